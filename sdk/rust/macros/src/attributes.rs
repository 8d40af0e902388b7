//! What stands in the parentheses of `#[tool(…)]`, and the documentation above it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Error, Expr, ExprLit, Ident, Lit, LitBool, LitStr, Meta, Result, Token,
    parse::{Parse, ParseStream},
};

/// The promises of a tool, each as the author wrote it or as the effect implies.
pub(crate) struct ToolAttributes {
    pub(crate) name: Option<LitStr>,
    pub(crate) effect: TokenStream,
    pub(crate) reversibility: TokenStream,
    pub(crate) idempotent: bool,
    pub(crate) output: bool,
}

impl Parse for ToolAttributes {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut name, mut effect, mut reversibility, mut idempotent, mut output) =
            (None, None, None, None, false);
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            match key.to_string().as_str() {
                "name" => name = Some(tool_name(value(input)?)?),
                "effect" => effect = Some(value::<Ident>(input)?),
                "reversibility" => reversibility = Some(value::<Ident>(input)?),
                "idempotent" if input.peek(Token![=]) => {
                    idempotent = Some(value::<LitBool>(input)?.value)
                }
                "idempotent" => idempotent = Some(true),
                "output" => output = true,
                other => {
                    let text = format!(
                        "unknown attribute `{other}`; there are `effect`, `reversibility`, `idempotent`, `output` and `name`"
                    );
                    return Err(Error::new(key.span(), text));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let effect = effect.ok_or_else(|| {
            Error::new(
                Span::call_site(),
                "say what a call does to the world: `#[tool(effect = read_only)]`, `workspace`, `network` or `destructive`",
            )
        })?;
        let reads_only = effect == "read_only";
        Ok(Self {
            name,
            effect: choice(
                &effect,
                &[
                    ("read_only", quote!(ReadOnly)),
                    ("workspace", quote!(Workspace)),
                    ("network", quote!(Network)),
                    ("destructive", quote!(Destructive)),
                ],
            )?,
            reversibility: match reversibility {
                Some(word) => choice(
                    &word,
                    &[
                        ("full", quote!(Full)),
                        ("partial", quote!(Partial)),
                        ("none", quote!(None)),
                    ],
                )?,
                None if reads_only => quote!(Full),
                None => quote!(None),
            },
            idempotent: idempotent.unwrap_or(reads_only),
            output,
        })
    }
}

fn value<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn choice(word: &Ident, known: &[(&str, TokenStream)]) -> Result<TokenStream> {
    match known.iter().find(|(name, _)| word == name) {
        Some((_, tokens)) => Ok(tokens.clone()),
        None => {
            let names: Vec<_> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
            Err(Error::new(
                word.span(),
                format!("`{word}` is none of {}", names.join(", ")),
            ))
        }
    }
}

/// The grammar of tool names in the contract: the host refuses anything else.
fn tool_name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
    let goes_on_well = text
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.'));
    if starts_well && goes_on_well && text.len() <= 64 && !text.contains("..") {
        return Ok(name);
    }
    Err(Error::new(
        name.span(),
        "a tool's name is 1 to 64 lower-case letters, digits, `_`, `-` or `.`, starting with a letter",
    ))
}

/// The text of the `///` lines.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) => Some(&pair.value),
            _ => None,
        })
        .filter_map(|value| match value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        })
        .map(|line| {
            line.strip_prefix(' ')
                .unwrap_or(&line)
                .trim_end()
                .to_owned()
        })
        .collect();
    lines.join("\n").trim().to_owned()
}
