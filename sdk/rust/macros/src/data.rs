//! `#[data]`: the derives that arguments and results need.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Result};

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !attributes.is_empty() {
        return Err(Error::new_spanned(
            attributes,
            "`#[data]` takes nothing in parentheses",
        ));
    }
    let item: DeriveInput = syn::parse2(item)?;
    Ok(quote! {
        #[derive(
            Debug,
            Clone,
            ::armature_plugin::serde::Serialize,
            ::armature_plugin::serde::Deserialize,
            ::armature_plugin::schemars::JsonSchema,
        )]
        #[serde(crate = "::armature_plugin::serde")]
        #[schemars(crate = "::armature_plugin::schemars")]
        #item
    })
}
