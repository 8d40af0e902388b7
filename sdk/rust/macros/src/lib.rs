//! The attribute macros of `armature-plugin`. Use them from there; this crate is a detail of how Rust builds macros.

mod attributes;
mod data;
mod tool;

use proc_macro::TokenStream;

/// Makes a tool of a documented function.
///
/// ```ignore
/// /// Look a word up in a dictionary and return its meanings.
/// #[tool(effect = network, reversibility = full, idempotent)]
/// fn define(
///     /// The word, in lower case.
///     word: String,
///     /// How many meanings to return.
///     #[default(3)]
///     count: u32,
/// ) -> Result<Vec<String>, ToolError> { … }
/// ```
///
/// The documentation is the description that a model reads, the parameters are the arguments, and their types make the
/// JSON Schema. `Option` is an argument that may be left out. Two kinds of parameter are none of the arguments: one of
/// type `&Context`, and one marked `#[args]`, whose type *is* the arguments.
///
/// | in the parentheses | |
/// |---|---|
/// | `effect = read_only`, `workspace`, `network` or `destructive` | what a call does to the world; must be said |
/// | `reversibility = full`, `partial` or `none` | can it be undone? `full` for `read_only`, otherwise `none` |
/// | `idempotent`, `idempotent = false` | is twice the same as once? yes for `read_only`, otherwise no |
/// | `name = "note.add"` | a name that is not the function's |
/// | `output` | promise the schema of the result's type; the host checks it |
///
/// The function stays an ordinary function that tests can call.
#[proc_macro_attribute]
pub fn tool(attributes: TokenStream, item: TokenStream) -> TokenStream {
    tool::expand(attributes.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a struct or an enum readable from JSON, writable to JSON and describable by a JSON Schema.
///
/// The same as deriving `Debug`, `Clone`, `Serialize`, `Deserialize` and `JsonSchema`, without depending on serde and
/// schemars. Attributes of both work on the fields.
#[proc_macro_attribute]
pub fn data(attributes: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(attributes.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
