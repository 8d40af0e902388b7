//! JSON Schema of WIT types. The forms are those of [`super::value`]: what one describes the other converts.
//!
//! Records are objects; variants are objects with one key; enums are strings; options may be null; results are objects
//! with `ok` or `err`; flags are lists of names; tuples are arrays of fixed length; a list of bytes is an array of
//! numbers.

use std::cell::Cell;

use serde_json::{Map, Value, json};
use wasmtime::component::types::Type;

/// Most types in one tool's schema. A type that is made of two of another, which is made of two of a third, unfolds to
/// more than any memory within a few lines.
const MOST: usize = 2_000;

/// How many types a schema may still have.
pub(super) struct Room(Cell<usize>);

impl Room {
    /// The room of one tool.
    pub(super) const fn new() -> Self {
        Self(Cell::new(MOST))
    }

    fn one(&self) -> Option<()> {
        self.0.set(self.0.get().checked_sub(1)?);
        Some(())
    }
}

/// The schema of a type; `None` for handles, streams and whatever else JSON cannot say, or not in this much room.
pub(super) fn of(ty: &Type, room: &Room) -> Option<Value> {
    room.one()?;
    Some(match ty {
        Type::Bool => json!({"type": "boolean"}),
        Type::S8 => integer(i8::MIN, i8::MAX),
        Type::U8 => integer(u8::MIN, u8::MAX),
        Type::S16 => integer(i16::MIN, i16::MAX),
        Type::U16 => integer(u16::MIN, u16::MAX),
        Type::S32 => integer(i32::MIN, i32::MAX),
        Type::U32 => integer(u32::MIN, u32::MAX),
        Type::S64 => integer(i64::MIN, i64::MAX),
        Type::U64 => integer(u64::MIN, u64::MAX),
        Type::Float32 | Type::Float64 => json!({"type": "number"}),
        Type::Char => json!({"type": "string", "minLength": 1, "maxLength": 1}),
        Type::String => json!({"type": "string"}),
        Type::List(list) => json!({"type": "array", "items": of(&list.ty(), room)?}),
        Type::FixedLengthList(list) => {
            json!({"type": "array", "items": of(&list.ty(), room)?, "minItems": list.len(), "maxItems": list.len()})
        }
        Type::Record(record) => {
            let mut properties = Map::new();
            let mut required = Vec::new();
            for field in record.fields() {
                properties.insert(field.name.to_owned(), of(&field.ty, room)?);
                if !matches!(field.ty, Type::Option(_)) {
                    required.push(Value::from(field.name));
                }
            }
            object(properties, required)
        }
        Type::Tuple(tuple) => {
            let items = tuple
                .types()
                .map(|ty| of(&ty, room))
                .collect::<Option<Vec<_>>>()?;
            let count = items.len();
            json!({"type": "array", "prefixItems": items, "minItems": count, "maxItems": count})
        }
        Type::Variant(variant) => {
            let cases = variant.cases().map(|case| {
                let payload = case
                    .ty
                    .map_or(Some(json!({"type": "null"})), |ty| of(&ty, room))?;
                Some(single(case.name, payload))
            });
            json!({"oneOf": cases.collect::<Option<Vec<_>>>()?})
        }
        Type::Enum(names) => json!({"type": "string", "enum": names.names().collect::<Vec<_>>()}),
        Type::Option(option) => json!({"anyOf": [of(&option.ty(), room)?, {"type": "null"}]}),
        Type::Result(result) => {
            let part =
                |ty: Option<Type>| ty.map_or(Some(json!({"type": "null"})), |ty| of(&ty, room));
            json!({"oneOf": [single("ok", part(result.ok())?), single("err", part(result.err())?)]})
        }
        Type::Flags(flags) => {
            json!({"type": "array", "items": {"enum": flags.names().collect::<Vec<_>>()}, "uniqueItems": true})
        }
        _ => return None,
    })
}

fn integer<T: Into<Value>>(least: T, most: T) -> Value {
    json!({"type": "integer", "minimum": least.into(), "maximum": most.into()})
}

fn object(properties: Map<String, Value>, required: Vec<Value>) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn single(name: &str, payload: Value) -> Value {
    let properties = Map::from_iter([(name.to_owned(), payload)]);
    object(properties, vec![Value::from(name)])
}
