//! JSON to component values and back, in the forms that [`super::schema`] describes.

use serde_json::{Map, Number, Value};
use wasmtime::component::{Val, types::Type};

/// Converts an argument; `path` says where in the arguments it stands.
pub(super) fn from_json(ty: &Type, value: &Value, path: &str) -> Result<Val, String> {
    let bad = |wanted: &str| format!("`{path}` should be {wanted}, not {}", kind(value));
    let whole = |wanted: &'static str| value.as_i64().ok_or_else(|| bad(wanted));
    Ok(match ty {
        Type::Bool => Val::Bool(value.as_bool().ok_or_else(|| bad("true or false"))?),
        Type::S8 => Val::S8(fit(whole("a whole number")?, path)?),
        Type::U8 => Val::U8(fit(whole("a whole number")?, path)?),
        Type::S16 => Val::S16(fit(whole("a whole number")?, path)?),
        Type::U16 => Val::U16(fit(whole("a whole number")?, path)?),
        Type::S32 => Val::S32(fit(whole("a whole number")?, path)?),
        Type::U32 => Val::U32(fit(whole("a whole number")?, path)?),
        Type::S64 => Val::S64(whole("a whole number")?),
        Type::U64 => Val::U64(value.as_u64().ok_or_else(|| bad("a whole number from 0"))?),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a 32-bit float is what was asked for"
        )]
        Type::Float32 => Val::Float32(value.as_f64().ok_or_else(|| bad("a number"))? as f32),
        Type::Float64 => Val::Float64(value.as_f64().ok_or_else(|| bad("a number"))?),
        Type::Char => {
            let mut letters = value.as_str().unwrap_or_default().chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) => Val::Char(letter),
                _ => return Err(bad("one character")),
            }
        }
        Type::String => Val::String(value.as_str().ok_or_else(|| bad("a text"))?.to_owned()),
        Type::List(list) => Val::List(items(value, path, |_| Some(list.ty()), None)?),
        Type::FixedLengthList(list) => Val::FixedLengthList(items(
            value,
            path,
            |_| Some(list.ty()),
            Some(list.len() as usize),
        )?),
        Type::Tuple(tuple) => {
            let types: Vec<Type> = tuple.types().collect();
            Val::Tuple(items(
                value,
                path,
                |at| types.get(at).cloned(),
                Some(types.len()),
            )?)
        }
        Type::Record(record) => {
            let object = value.as_object().ok_or_else(|| bad("an object"))?;
            let names: Vec<String> = record.fields().map(|field| field.name.to_owned()).collect();
            if let Some(extra) = object.keys().find(|key| !names.contains(key)) {
                return Err(format!(
                    "`{path}` has no field `{extra}`; it has {}",
                    names.join(", ")
                ));
            }
            let field = |field: wasmtime::component::types::Field<'_>| {
                let inner = object.get(field.name).unwrap_or(&Value::Null);
                Ok((
                    field.name.to_owned(),
                    from_json(&field.ty, inner, &format!("{path}.{}", field.name))?,
                ))
            };
            Val::Record(record.fields().map(field).collect::<Result<_, String>>()?)
        }
        Type::Variant(variant) => {
            let names = || {
                variant
                    .cases()
                    .map(|case| case.name.to_owned())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let (name, payload) = only_entry(value)
                .ok_or_else(|| bad(&format!("an object with one key of {}", names())))?;
            let case = variant.cases().find(|case| case.name == name);
            let case =
                case.ok_or_else(|| format!("`{path}` has no case `{name}`; it has {}", names()))?;
            let inner = case
                .ty
                .map(|ty| from_json(&ty, payload, &format!("{path}.{name}")))
                .transpose()?;
            Val::Variant(name.to_owned(), inner.map(Box::new))
        }
        Type::Enum(names) => {
            let name = value
                .as_str()
                .filter(|name| names.names().any(|known| known == *name));
            let wanted = || format!("one of {}", names.names().collect::<Vec<_>>().join(", "));
            Val::Enum(name.ok_or_else(|| bad(&wanted()))?.to_owned())
        }
        Type::Option(option) => match value {
            Value::Null => Val::Option(None),
            value => Val::Option(Some(Box::new(from_json(&option.ty(), value, path)?))),
        },
        Type::Result(result) => {
            let (name, payload) =
                only_entry(value).ok_or_else(|| bad("an object with `ok` or `err`"))?;
            let part = |ty: Option<Type>| {
                ty.map(|ty| from_json(&ty, payload, path).map(Box::new))
                    .transpose()
            };
            match name {
                "ok" => Val::Result(Ok(part(result.ok())?)),
                "err" => Val::Result(Err(part(result.err())?)),
                _ => return Err(bad("an object with `ok` or `err`")),
            }
        }
        Type::Flags(flags) => {
            let given = value.as_array().ok_or_else(|| bad("a list of names"))?;
            let name = |item: &Value| {
                let name = item
                    .as_str()
                    .filter(|name| flags.names().any(|known| known == *name));
                name.map(str::to_owned)
                    .ok_or_else(|| bad("a list of known names"))
            };
            Val::Flags(given.iter().map(name).collect::<Result<_, _>>()?)
        }
        _ => return Err(format!("`{path}` has a type that JSON cannot say")),
    })
}

fn items(
    value: &Value,
    path: &str,
    type_at: impl Fn(usize) -> Option<Type>,
    exactly: Option<usize>,
) -> Result<Vec<Val>, String> {
    let given = value
        .as_array()
        .ok_or_else(|| format!("`{path}` should be a list, not {}", kind(value)))?;
    if exactly.is_some_and(|count| count != given.len()) {
        return Err(format!(
            "`{path}` should have {} items, not {}",
            exactly.unwrap_or(0),
            given.len()
        ));
    }
    let item = |(at, item): (usize, &Value)| {
        let ty = type_at(at).ok_or_else(|| format!("`{path}` has too many items"))?;
        from_json(&ty, item, &format!("{path}[{at}]"))
    };
    given.iter().enumerate().map(item).collect()
}

fn fit<T: TryFrom<i64>>(number: i64, path: &str) -> Result<T, String> {
    T::try_from(number).map_err(|_| format!("`{path}` is {number}, which does not fit its type"))
}

fn only_entry(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object
        .iter()
        .next()
        .map(|(name, payload)| (name.as_str(), payload))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Converts a result. What is not finite becomes null: JSON has no word for it.
pub(super) fn to_json(val: Val) -> Value {
    let part = |part: Option<Box<Val>>| part.map_or(Value::Null, |part| to_json(*part));
    match val {
        Val::Bool(it) => it.into(),
        Val::S8(it) => it.into(),
        Val::U8(it) => it.into(),
        Val::S16(it) => it.into(),
        Val::U16(it) => it.into(),
        Val::S32(it) => it.into(),
        Val::U32(it) => it.into(),
        Val::S64(it) => it.into(),
        Val::U64(it) => it.into(),
        Val::Float32(it) => Number::from_f64(it.into()).map_or(Value::Null, Value::Number),
        Val::Float64(it) => Number::from_f64(it).map_or(Value::Null, Value::Number),
        Val::Char(it) => it.to_string().into(),
        Val::String(it) | Val::Enum(it) => it.into(),
        Val::List(list) | Val::Tuple(list) | Val::FixedLengthList(list) => {
            list.into_iter().map(to_json).collect()
        }
        Val::Record(fields) => fields
            .into_iter()
            .map(|(name, val)| (name, to_json(val)))
            .collect::<Map<_, _>>()
            .into(),
        Val::Variant(name, payload) => single(name, part(payload)),
        Val::Option(inner) => part(inner),
        Val::Result(Ok(ok)) => single("ok".into(), part(ok)),
        Val::Result(Err(err)) => single("err".into(), part(err)),
        Val::Flags(names) => names.into_iter().map(Value::from).collect(),
        // The schema keeps functions with such results out.
        Val::Map(_) | Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
            Value::Null
        }
    }
}

fn single(name: String, payload: Value) -> Value {
    Value::Object(Map::from_iter([(name, payload)]))
}
