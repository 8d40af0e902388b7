//! What starts a workflow by itself: schedules that are schedules, paths that can be called.

use std::collections::HashMap;

use croner::parser::{CronParser, Seconds, Year};

use super::{Checker, show};
use crate::{codes::Code, model::Trigger, path};

pub(super) fn check(checker: &mut Checker<'_>) {
    let mut paths: HashMap<&str, usize> = HashMap::new();
    for (index, trigger) in checker.spec.triggers.iter().enumerate() {
        match trigger {
            Trigger::Cron { schedule } => cron(checker, index, schedule),
            Trigger::Webhook { path } => {
                webhook(checker, index, path);
                if let Some(first) = paths.insert(path, index) {
                    let line = checker.source.locate(path!["triggers", first]).line;
                    let message = format!(
                        "the path {} is taken by the webhook in line {line}",
                        show(path)
                    );
                    let hint = Some("give each webhook a path of its own".to_owned());
                    checker.section(
                        Code::InvalidWebhookPath,
                        path!["triggers", index, "path"],
                        message,
                        hint,
                    );
                }
            }
        }
    }
}

fn cron(checker: &mut Checker<'_>, index: usize, schedule: &str) {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    if let Err(why) = parser.parse(schedule) {
        let fields = schedule.split_whitespace().count();
        let why = if fields == 5 {
            why.to_string()
        } else {
            format!("it has {fields} fields, and needs 5")
        };
        let message = format!("{} is no schedule: {why}", show(schedule));
        let hint = Some(
            "write minute, hour, day of month, month, day of week: `0 9 * * 1-5` is 9:00 on weekdays"
                .to_owned(),
        );
        checker.section(
            Code::InvalidCron,
            path!["triggers", index, "schedule"],
            message,
            hint,
        );
    }
}

fn webhook(checker: &mut Checker<'_>, index: usize, path: &str) {
    let why = if !path.starts_with('/') {
        Some("it does not begin with `/`")
    } else if path.contains(['?', '#']) {
        Some("a query or a fragment is no part of a path")
    } else if path.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some("it has a space or a control character in it")
    } else if path.split('/').any(|part| matches!(part, "." | "..")) {
        Some("it has `.` or `..` in it")
    } else {
        None
    };
    if let Some(why) = why {
        let message = format!("{} is no path of a webhook: {why}", show(path));
        let hint = Some("write for example `/hooks/build`".to_owned());
        checker.section(
            Code::InvalidWebhookPath,
            path!["triggers", index, "path"],
            message,
            hint,
        );
    }
}
