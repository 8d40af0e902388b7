//! Where the values come from that a stage works with: the person, an earlier run, a stage, or the engine itself.
//!
//! A model is shown everything that its stage sees, so its row names all of that. A tool or a script is given only what
//! its templates mention, and its row names those. A name that stands for nothing has no origin and is left out.

use serde_json::{Map, Value};

use crate::{
    context::{Context, Names, Origin},
    run::Run,
};

/// Of everything that a stage sees.
pub(crate) fn of_all(run: &Run, context: &Context) -> Map<String, Value> {
    of(run, context, context.all().keys().map(String::as_str))
}

/// Of what these templates mention. Empty where nothing is traced: nobody would read it.
pub(crate) fn of_names<'a>(
    run: &Run,
    context: &Context,
    names: impl IntoIterator<Item = &'a Names>,
) -> Map<String, Value> {
    if !run.journal.traces() {
        return Map::new();
    }
    let names = names.into_iter().flat_map(Names::iter);
    of(
        run,
        context,
        names.filter(|name| context.get(name).is_some()),
    )
}

fn of<'a>(run: &Run, context: &Context, keys: impl Iterator<Item = &'a str>) -> Map<String, Value> {
    let spec = &run.plan.0.document.spec;
    let carried = spec.continuation.as_ref().map(|it| it.inject_as.as_str());
    let memory = spec.memory.as_ref();
    let values = memory.map(|it| it.inject_as.as_str());
    let facts = memory.map(|it| it.inject_knowledge_as.as_str());
    let from = |key: &str| match context.origin(key) {
        Origin::Stage(id) => format!("stage:{id}"),
        Origin::Own => "engine".to_owned(),
        Origin::Base if key == "run_id" => "engine".to_owned(),
        Origin::Base if Some(key) == carried => "prior_run".to_owned(),
        Origin::Base if Some(key) == values => "memory".to_owned(),
        Origin::Base if Some(key) == facts => "knowledge".to_owned(),
        Origin::Base if key == "_stale_memory_keys" => "stale_memory".to_owned(),
        Origin::Base => "user_input".to_owned(),
    };
    keys.map(|key| (key.to_owned(), Value::from(from(key))))
        .collect()
}
