//! Images by digest: what a name means is asked once, and what is run is what was found. A name can mean another image
//! tomorrow; a container that is made of the digest, and a trace that says so, cannot.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{Mutex, OnceCell};

use super::{
    outside,
    process::{Finished, Program, Room, Stopped},
};
use crate::error::CallError;

/// Longest time for a question to the engine.
const QUESTION: Duration = Duration::from_secs(20);

/// Longest time for getting an image.
const PULL: Duration = Duration::from_secs(900);

/// What is kept of the engine's answers.
const ANSWER: Room = Room {
    stdout: 64 * 1024,
    stderr: 64 * 1024,
    most: 64 * 1024 * 1024,
};

/// The images that were asked for.
#[derive(Debug, Default)]
pub(super) struct Images {
    engine: OnceCell<()>,
    known: Mutex<HashMap<String, Arc<OnceCell<String>>>>,
}

impl Images {
    /// The digest of an image, which is fetched if the engine does not have it. Whoever asks for the same one meanwhile
    /// waits for the same answer.
    pub(super) async fn digest(
        &self,
        runtime: &str,
        image: &str,
        platform: Option<&str>,
        tells: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<String, CallError> {
        self.engine
            .get_or_try_init(|| engine_answers(runtime))
            .await?;
        let cell = {
            let mut known = self.known.lock().await;
            Arc::clone(known.entry(image.to_owned()).or_default())
        };
        let digest = cell
            .get_or_try_init(|| async {
                if let Some(digest) = inspect(runtime, image).await? {
                    return Ok(digest);
                }
                tells(&format!("getting the image `{image}`"));
                pull(runtime, image, platform).await?;
                inspect(runtime, image).await?.ok_or_else(|| {
                    outside(
                        format!("`{runtime} pull {image}` ended well, and the image is not there"),
                        format!("look at `{runtime} image ls`"),
                    )
                })
            })
            .await?;
        Ok(digest.clone())
    }
}

/// A client without an engine is as good as none, and is found out here.
async fn engine_answers(runtime: &str) -> Result<(), CallError> {
    let asked = ask(
        runtime,
        &["version", "--format", "{{.Server.Version}}"],
        QUESTION,
    )
    .await?;
    if asked.code == 0 {
        return Ok(());
    }
    // Podman has no server of its own and says so in its own way.
    let again = ask(runtime, &["info"], QUESTION).await?;
    if again.code == 0 {
        return Ok(());
    }
    Err(outside(
        format!(
            "`{runtime}` does not reach a container engine: {}",
            said(&asked)
        ),
        format!(
            "start it, and try `{runtime} info`; or leave `sandbox.mode` out: commands then run in a component"
        ),
    ))
}

async fn inspect(runtime: &str, image: &str) -> Result<Option<String>, CallError> {
    let args = ["image", "inspect", "--format", "{{.Id}}", image];
    let asked = ask(runtime, &args, QUESTION).await?;
    let digest = String::from_utf8_lossy(&asked.stdout.bytes)
        .trim()
        .to_owned();
    let hex = digest.strip_prefix("sha256:").unwrap_or(&digest);
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok((asked.code == 0 && is_digest).then(|| format!("sha256:{hex}")))
}

async fn pull(runtime: &str, image: &str, platform: Option<&str>) -> Result<(), CallError> {
    let platform = platform.map(|platform| ["--platform", platform]);
    let args: Vec<&str> = ["pull", "--quiet"]
        .into_iter()
        .chain(platform.into_iter().flatten())
        .chain([image])
        .collect();
    let asked = ask(runtime, &args, PULL).await?;
    if asked.code == 0 {
        return Ok(());
    }
    Err(outside(
        format!("there is no image `{image}`: {}", said(&asked)),
        format!("write an image that `{runtime} pull` finds, or build it under that name"),
    ))
}

async fn ask(runtime: &str, args: &[&str], patience: Duration) -> Result<Finished, CallError> {
    let asked = Program::new(runtime).args(args).run(patience, ANSWER).await;
    asked.map_err(|why| match why {
        Stopped::NotStarted(error) => outside(
            format!("`{runtime}` cannot be started: {error}"),
            "install it, or name another under `sandbox.runtime` (docker, podman, nerdctl); or leave `sandbox.mode` out: commands then run in a component",
        ),
        Stopped::Timeout => outside(
            format!(
                "`{runtime} {}` did not answer in {} s",
                args.first().copied().unwrap_or_default(),
                patience.as_secs()
            ),
            format!("look at what `{runtime} info` says"),
        ),
        Stopped::TooMuch => outside(
            format!("`{runtime}` answered with more than anybody will read"),
            format!("look at what `{runtime} info` says"),
        ),
    })
}

/// The last line of what a program complained about.
fn said(finished: &Finished) -> String {
    /// Longest that is repeated, in characters.
    const MOST: usize = 300;
    let text = String::from_utf8_lossy(&finished.stderr.bytes);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    let shown = last.unwrap_or("it said nothing");
    shown.chars().take(MOST).collect()
}
