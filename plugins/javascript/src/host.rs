//! The module `armature`: what a script can ask of the host. Every function is one call of the contract, so what may be
//! done is decided there; here names and values are turned into one another.

use armature_plugin::{
    fs::{self, Entry, Kind, Reason},
    http, kv, log,
    prelude::{Map, Value},
    progress, secrets,
    serde_json::json,
    tools,
};
use boa_engine::{
    Context, JsNativeError, JsResult, JsString, JsValue, Module, NativeFunction, js_string,
    module::SyntheticModuleInitializer,
    object::{FunctionObjectBuilder, builtins::JsUint8Array},
};

type Native = fn(&JsValue, &[JsValue], &mut Context) -> JsResult<JsValue>;

/// Every function: its name, and how many arguments it needs.
const FUNCTIONS: &[(&str, usize, Native)] = &[
    ("readText", 1, read_text),
    ("readBytes", 1, read_bytes),
    ("writeText", 2, write),
    ("writeBytes", 2, write),
    ("appendText", 2, append),
    ("list", 0, list),
    ("stat", 1, stat),
    ("exists", 1, exists),
    ("makeDirectory", 1, make_directory),
    ("remove", 1, remove),
    ("rename", 2, rename),
    ("fetch", 1, fetch),
    ("callTool", 2, call_tool),
    ("hasSecret", 1, has_secret),
    ("kvGet", 1, kv_get),
    ("kvSet", 2, kv_set),
    ("kvDelete", 1, kv_delete),
    ("kvKeys", 0, kv_keys),
    ("log", 1, write_log),
    ("progress", 1, report),
];

/// The module, for `import … from "armature"`.
pub(crate) fn module(js: &mut Context) -> JsResult<Module> {
    let names: Vec<JsString> = FUNCTIONS
        .iter()
        .map(|(name, ..)| js_string!(*name))
        .collect();
    let fill = SyntheticModuleInitializer::from_copy_closure(|module, js| {
        for (name, length, native) in FUNCTIONS {
            let function =
                FunctionObjectBuilder::new(js.realm(), NativeFunction::from_fn_ptr(*native))
                    .name(js_string!(*name))
                    .length(*length)
                    .build();
            module.set_export(&js_string!(*name), function.into())?;
        }
        Ok(())
    });
    Ok(Module::synthetic(&names, fill, None, None, js))
}

fn text(args: &[JsValue], index: usize, what: &str, js: &mut Context) -> JsResult<String> {
    match args.get(index) {
        Some(value) if !value.is_undefined() => Ok(value.to_string(js)?.to_std_string_lossy()),
        _ => Err(JsNativeError::typ()
            .with_message(format!("{what} is missing"))
            .into()),
    }
}

fn option(args: &[JsValue], index: usize, js: &mut Context) -> JsResult<Map<String, Value>> {
    match args.get(index).filter(|value| value.is_object()) {
        Some(value) => match value.to_json(js)? {
            Some(Value::Object(map)) => Ok(map),
            _ => Ok(Map::new()),
        },
        None => Ok(Map::new()),
    }
}

fn refused(error: impl std::fmt::Display) -> boa_engine::JsError {
    JsNativeError::error()
        .with_message(error.to_string())
        .into()
}

fn string(text: impl AsRef<str>) -> JsValue {
    js_string!(text.as_ref()).into()
}

fn read_text(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let path = text(args, 0, "the path", js)?;
    fs::read_to_string(&path).map(string).map_err(refused)
}

fn read_bytes(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let path = text(args, 0, "the path", js)?;
    let bytes = fs::read(&path).map_err(refused)?;
    Ok(JsUint8Array::from_iter(bytes, js)?.into())
}

/// The bytes of an argument: those of a `Uint8Array`, or the text of anything else.
fn content(args: &[JsValue], js: &mut Context) -> JsResult<Vec<u8>> {
    let object = args.get(1).and_then(JsValue::as_object);
    match object.and_then(|object| JsUint8Array::from_object(object.clone()).ok()) {
        Some(bytes) => Ok(bytes.iter(js).collect()),
        None => Ok(text(args, 1, "the content", js)?.into_bytes()),
    }
}

fn write(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let path = text(args, 0, "the path", js)?;
    fs::write(&path, content(args, js)?).map_err(refused)?;
    Ok(JsValue::undefined())
}

fn append(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let path = text(args, 0, "the path", js)?;
    fs::append(&path, content(args, js)?).map_err(refused)?;
    Ok(JsValue::undefined())
}

fn shown(entry: &Entry) -> Value {
    let kind = match entry.kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Other => "other",
    };
    json!({"name": entry.name, "kind": kind, "size": entry.size, "modifiedMs": entry.modified_ms})
}

fn list(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let path = match args.first() {
        Some(value) if !value.is_undefined() => value.to_string(js)?.to_std_string_lossy(),
        _ => ".".to_owned(),
    };
    let entries = fs::list(&path).map_err(refused)?;
    JsValue::from_json(&entries.iter().map(shown).collect(), js)
}

fn stat(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let path = text(args, 0, "the path", js)?;
    let entry = fs::stat(&path).map_err(refused)?;
    JsValue::from_json(&shown(&entry), js)
}

fn exists(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let path = text(args, 0, "the path", js)?;
    match fs::stat(&path) {
        Ok(_) => Ok(true.into()),
        Err(error) if matches!(error.reason, Reason::NotFound) => Ok(false.into()),
        Err(error) => Err(refused(error)),
    }
}

fn make_directory(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let path = text(args, 0, "the path", js)?;
    fs::make_directory(&path).map_err(refused)?;
    Ok(JsValue::undefined())
}

fn remove(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let path = text(args, 0, "the path", js)?;
    let all = option(args, 1, js)?.get("recursive") == Some(&Value::Bool(true));
    let removed = if all {
        fs::remove_all(&path)
    } else {
        fs::remove(&path)
    };
    removed.map_err(refused)?;
    Ok(JsValue::undefined())
}

fn rename(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let old = text(args, 0, "the old path", js)?;
    let new = text(args, 1, "the new path", js)?;
    fs::rename(&old, &new).map_err(refused)?;
    Ok(JsValue::undefined())
}

/// `fetch(url, { method, headers, body, timeoutMs, maxRedirects })` → `{ status, url, headers, body }`, the body a text.
fn fetch(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let url = text(args, 0, "the URL", js)?;
    let options = option(args, 1, js)?;
    let method = options
        .get("method")
        .and_then(Value::as_str)
        .unwrap_or("GET");
    let mut request = http::Request::new(&method.to_uppercase(), &url);
    for (name, value) in options
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    match options.get("body") {
        None | Some(Value::Null) => {}
        Some(Value::String(body)) => request = request.body(body.as_str()),
        Some(other) => request = request.json(other).map_err(refused)?,
    }
    let number = |key: &str| {
        options
            .get(key)
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
    };
    if let Some(milliseconds) = number("timeoutMs") {
        request = request.timeout_ms(milliseconds);
    }
    if let Some(count) = number("maxRedirects") {
        request = request.max_redirects(count);
    }
    let response = request.send().map_err(refused)?;
    let headers: Map<String, Value> = response
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    let shown = json!({
        "status": response.status,
        "url": response.url,
        "headers": headers,
        "body": response.text(),
    });
    JsValue::from_json(&shown, js)
}

fn call_tool(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let name = text(args, 0, "the name of the tool", js)?;
    let arguments = option(args, 1, js)?;
    let result: Value = tools::call(&name, &arguments).map_err(refused)?;
    JsValue::from_json(&result, js)
}

fn has_secret(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let name = text(args, 0, "the name of the secret", js)?;
    Ok(secrets::exists(&name).into())
}

fn kv_get(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let key = text(args, 0, "the key", js)?;
    let value = kv::get(&key).map_err(refused)?;
    Ok(value.map_or(JsValue::null(), |bytes| {
        string(String::from_utf8_lossy(&bytes))
    }))
}

fn kv_set(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let key = text(args, 0, "the key", js)?;
    kv::set(&key, content(args, js)?).map_err(refused)?;
    Ok(JsValue::undefined())
}

fn kv_delete(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let key = text(args, 0, "the key", js)?;
    kv::delete(&key).map_err(refused)?;
    Ok(JsValue::undefined())
}

fn kv_keys(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let prefix = match args.first() {
        Some(value) if !value.is_undefined() => value.to_string(js)?.to_std_string_lossy(),
        _ => String::new(),
    };
    let keys = kv::keys(&prefix).map_err(refused)?;
    JsValue::from_json(&keys.into_iter().map(Value::from).collect(), js)
}

fn write_log(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let message = text(args, 0, "the message", js)?;
    log::write(log::Level::Info, &message);
    Ok(JsValue::undefined())
}

fn report(_: &JsValue, args: &[JsValue], js: &mut Context) -> JsResult<JsValue> {
    let count = |index: usize, js: &mut Context| -> JsResult<Option<u64>> {
        match args
            .get(index)
            .filter(|value| !value.is_null_or_undefined())
        {
            Some(value) => Ok(u64::try_from(value.to_length(js)?).ok()),
            None => Ok(None),
        }
    };
    let (done, total) = (count(0, js)?.unwrap_or_default(), count(1, js)?);
    let message = match args.get(2) {
        Some(value) if !value.is_undefined() => value.to_string(js)?.to_std_string_lossy(),
        _ => String::new(),
    };
    progress::report(done, total, &message);
    Ok(JsValue::undefined())
}
