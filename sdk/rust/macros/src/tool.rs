//! `#[tool]`: a function becomes a type of the same name that implements `armature_plugin::Tool`.
//!
//! Functions and types live in different namespaces, so `file_read(…)` stays the function and `export_tools!(file_read)`
//! means the type.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Error, Expr, FnArg, GenericArgument, Ident, ItemFn, LitStr, Pat, PathArguments,
    Result, ReturnType, Type, spanned::Spanned,
};

use crate::attributes::{ToolAttributes, documentation};

/// What the parameters of the function are made from.
struct Parameters {
    /// Fields of the argument struct, with their attributes.
    fields: Vec<TokenStream>,
    /// Functions that make the defaults of fields.
    defaults: Vec<TokenStream>,
    /// The names of the fields.
    names: Vec<Ident>,
    /// The type of the parameter marked `#[args]`.
    whole: Option<Type>,
    /// What the function is called with, in order.
    call: Vec<TokenStream>,
}

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut function: ItemFn = syn::parse2(item)?;
    let attributes: ToolAttributes = syn::parse2(attributes)?;
    let signature = &function.sig;
    if let Some(keyword) = &signature.asyncness {
        return Err(Error::new_spanned(
            keyword,
            "a tool is not async: the host's functions wait for their answer",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &signature.generics,
            "a tool cannot be generic: its arguments need one schema",
        ));
    }
    let description = documentation(&function.attrs);
    if description.is_empty() {
        return Err(Error::new_spanned(
            &signature.ident,
            "a tool needs a documentation comment: it is what a model and people decide by",
        ));
    }
    let output = output_type(&signature.output)?.clone();
    let ident = signature.ident.clone();
    let name = match &attributes.name {
        Some(name) => name.clone(),
        None => LitStr::new(&ident.to_string(), ident.span()),
    };
    let visibility = function.vis.clone();
    let Parameters {
        fields,
        defaults,
        names,
        whole,
        call,
    } = parameters(&mut function)?;

    let arguments = match whole {
        Some(whole) => quote! { type Arguments = #whole; },
        None => quote! {
            #[derive(::armature_plugin::serde::Deserialize, ::armature_plugin::schemars::JsonSchema)]
            #[serde(crate = "::armature_plugin::serde", deny_unknown_fields)]
            #[schemars(crate = "::armature_plugin::schemars")]
            struct Arguments { #(#fields),* }
        },
    };
    let read = if names.is_empty() {
        quote! { let __arguments: Arguments = ::armature_plugin::__private::parse(__text)?; }
    } else {
        quote! { let Arguments { #(#names),* } = ::armature_plugin::__private::parse(__text)?; }
    };
    let output_schema = if attributes.output {
        quote! { ::core::option::Option::Some(::armature_plugin::__private::schema_of::<#output>()) }
    } else {
        quote! { ::core::option::Option::None }
    };
    let (effect, reversibility, idempotent) = (
        attributes.effect,
        attributes.reversibility,
        attributes.idempotent,
    );

    Ok(quote! {
        #function

        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_docs, reason = "the tool that belongs to the function of the same name")]
        #visibility struct #ident {}

        const _: () = {
            #(#defaults)*
            #arguments

            impl ::armature_plugin::Tool for #ident {
                const NAME: &'static str = #name;

                fn definition() -> ::armature_plugin::Definition {
                    ::armature_plugin::Definition {
                        name: ::std::string::String::from(#name),
                        description: ::std::string::String::from(#description),
                        input_schema: ::armature_plugin::__private::schema_of::<Arguments>(),
                        output_schema: #output_schema,
                        effect: ::armature_plugin::Effect::#effect,
                        reversibility: ::armature_plugin::Reversibility::#reversibility,
                        idempotent: #idempotent,
                    }
                }

                #[allow(unused_variables, reason = "a tool need not have arguments or look at the context")]
                fn call(
                    __text: &str,
                    __context: &::armature_plugin::Context,
                ) -> ::core::result::Result<::std::string::String, ::armature_plugin::ToolError> {
                    #read
                    let result = #ident(#(#call),*)
                        .map_err(::core::convert::Into::<::armature_plugin::ToolError>::into)?;
                    ::armature_plugin::__private::encode(&result)
                }
            }
        };
    })
}

/// Takes the macro's own attributes off the parameters and says what each of them is.
fn parameters(function: &mut ItemFn) -> Result<Parameters> {
    let mut all = Parameters {
        fields: Vec::new(),
        defaults: Vec::new(),
        names: Vec::new(),
        whole: None,
        call: Vec::new(),
    };
    for input in &mut function.sig.inputs {
        let FnArg::Typed(parameter) = input else {
            return Err(Error::new(
                input.span(),
                "a tool is a plain function, not a method",
            ));
        };
        let written = std::mem::take(&mut parameter.attrs);
        let (ours, theirs): (Vec<Attribute>, Vec<Attribute>) = written.into_iter().partition(|a| {
            ["doc", "serde", "schemars", "default", "args"]
                .iter()
                .any(|name| a.path().is_ident(name))
        });
        parameter.attrs = theirs;
        if matches!(*parameter.ty, Type::Reference(_)) {
            all.call.push(quote!(__context));
            continue;
        }
        if ours
            .iter()
            .any(|attribute| attribute.path().is_ident("args"))
        {
            all.whole = Some((*parameter.ty).clone());
            all.call.push(quote!(__arguments));
            continue;
        }
        let Pat::Ident(pattern) = &*parameter.pat else {
            return Err(Error::new(
                parameter.pat.span(),
                "an argument needs a name; mark a struct with `#[args]`",
            ));
        };
        let (name, ty) = (&pattern.ident, &parameter.ty);
        let mut kept = Vec::new();
        for attribute in ours {
            if attribute.path().is_ident("default") {
                let value: Expr = attribute.parse_args()?;
                let maker = format_ident!("default_{name}");
                let path = maker.to_string();
                all.defaults.push(quote! { fn #maker() -> #ty { #value } });
                kept.push(quote! { #[serde(default = #path)] });
            } else {
                kept.push(quote! { #attribute });
            }
        }
        all.fields.push(quote! { #(#kept)* #name: #ty });
        all.call.push(quote!(#name));
        all.names.push(name.clone());
    }
    if all.whole.is_some() && !all.names.is_empty() {
        return Err(Error::new(
            function.sig.span(),
            "arguments are either named or in one struct with `#[args]`",
        ));
    }
    Ok(all)
}

/// `T` of `Result<T, E>`.
fn output_type(output: &ReturnType) -> Result<&Type> {
    if let ReturnType::Type(_, ty) = output
        && let Type::Path(path) = &**ty
        && let Some(last) = path.path.segments.last()
        && last.ident == "Result"
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(GenericArgument::Type(ty)) = arguments.args.first()
    {
        return Ok(ty);
    }
    Err(Error::new(
        output.span(),
        "a tool returns `Result<…, ToolError>`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the compiler says about a tool that is written like this.
    fn refusal(attributes: TokenStream, item: TokenStream) -> String {
        match expand(attributes, item) {
            Ok(tokens) => panic!("accepted: {tokens}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_tool_that_nobody_could_choose_or_call_does_not_compile() {
        let reads = || quote!(effect = read_only);
        let result = || quote!(Result<u8, ToolError>);
        let (returns, doc) = (result(), quote!(#[doc = " Does it."]));
        assert!(
            refusal(reads(), quote!(fn f() -> #returns { Ok(1) }))
                .contains("documentation comment")
        );
        assert!(
            refusal(quote!(), quote!(#doc fn f() -> #returns { Ok(1) }))
                .contains("effect = read_only")
        );
        assert!(
            refusal(reads(), quote!(#doc async fn f() -> #returns { Ok(1) })).contains("async")
        );
        assert!(
            refusal(reads(), quote!(#doc fn f<T>(t: T) -> #returns { Ok(1) })).contains("generic")
        );
        assert!(refusal(reads(), quote!(#doc fn f() -> u8 { 1 })).contains("Result<"));
        assert!(refusal(reads(), quote!(#doc fn f(self) -> #returns { Ok(1) })).contains("method"));
        assert!(
            refusal(
                reads(),
                quote!(#doc fn f(a: u8, #[args] b: B) -> #returns { Ok(1) })
            )
            .contains("either named or in one struct")
        );
    }

    #[test]
    fn promises_are_said_in_words_that_exist() {
        let item = || {
            quote!(
                #[doc = " Does it."]
                fn f() -> Result<u8, ToolError> {
                    Ok(1)
                }
            )
        };
        assert!(refusal(quote!(effect = readonly), item()).contains("`read_only`, `workspace`"));
        assert!(
            refusal(quote!(effect = network, reversible), item()).contains("unknown attribute")
        );
        assert!(
            refusal(quote!(effect = network, name = "Two Words"), item()).contains("lower-case")
        );
        assert!(
            expand(
                quote!(effect = network, idempotent = false, name = "two.words"),
                item()
            )
            .is_ok()
        );
    }

    #[test]
    fn documentation_and_defaults_leave_the_function_as_an_ordinary_one() {
        let tokens = expand(
            quote!(effect = read_only),
            quote!(
                /// Does it.
                fn f(
                    /// How often.
                    #[default(3)]
                    times: u8,
                ) -> Result<u8, ToolError> {
                    Ok(times)
                }
            ),
        );
        let text = tokens.map(|tokens| tokens.to_string()).unwrap_or_default();
        assert!(text.contains("fn f (times : u8 ,)"), "{text}");
        assert!(text.contains("fn default_times () -> u8 { 3 }"), "{text}");
    }
}
