//! When each stage starts.
//!
//! A stage starts when its own dependencies are done: there are no waves, so one slow stage delays only what needs
//! it. Among stages that are ready the one written first in the spec goes first, and at most `width` are at work at
//! one time. When a stage fails, the rest is told to stop and is *awaited*: nothing goes on after [`drive`] returns.
//! A stage can also be held (a gate that nobody can answer yet): what depends on it does not start, everything else
//! is finished.
//!
//! Cost is linear in stages and edges. The scheduler knows nothing of stages but their numbers; what a number does is
//! the caller's future, which decides for itself whether it runs on a task of its own.

use std::{cmp::Reverse, collections::BinaryHeap, future::Future};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio_util::sync::CancellationToken;

/// Which stage waits for which, by number in spec order. Without cycles, by construction.
#[derive(Debug)]
pub(crate) struct Graph {
    needs: Vec<Vec<usize>>,
    dependents: Vec<Vec<usize>>,
    order: Vec<usize>,
}

/// The stages that wait for one another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cycle(pub(crate) Vec<usize>);

impl Graph {
    /// A graph from each stage's dependencies; numbers that name no stage are left out.
    pub(crate) fn new(needs: Vec<Vec<usize>>) -> Result<Self, Cycle> {
        let count = needs.len();
        let mut dependents = vec![Vec::new(); count];
        let mut missing = vec![0usize; count];
        let mut clean = Vec::with_capacity(count);
        for (node, list) in needs.into_iter().enumerate() {
            let mut list: Vec<usize> = list.into_iter().filter(|need| *need < count).collect();
            list.sort_unstable();
            list.dedup();
            for need in &list {
                if let Some(slot) = dependents.get_mut(*need) {
                    slot.push(node);
                }
            }
            if let Some(slot) = missing.get_mut(node) {
                *slot = list.len();
            }
            clean.push(list);
        }
        let mut graph = Self {
            needs: clean,
            dependents,
            order: Vec::with_capacity(count),
        };
        let mut ready = roots(&missing);
        while let Some(Reverse(node)) = ready.pop() {
            graph.order.push(node);
            release(graph.dependents(node), &mut missing, &mut ready);
        }
        if graph.order.len() == count {
            Ok(graph)
        } else {
            Err(Cycle(
                (0..count)
                    .filter(|node| missing.get(*node).is_some_and(|left| *left > 0))
                    .collect(),
            ))
        }
    }

    /// What this stage waits for.
    pub(crate) fn needs(&self, node: usize) -> &[usize] {
        self.needs.get(node).map_or(&[], Vec::as_slice)
    }

    /// What waits for this stage.
    pub(crate) fn dependents(&self, node: usize) -> &[usize] {
        self.dependents.get(node).map_or(&[], Vec::as_slice)
    }

    /// All stages, dependencies first, otherwise in spec order.
    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    /// How many stages there are.
    pub(crate) fn len(&self) -> usize {
        self.needs.len()
    }
}

fn roots(missing: &[usize]) -> BinaryHeap<Reverse<usize>> {
    missing
        .iter()
        .enumerate()
        .filter(|(_, left)| **left == 0)
        .map(|(node, _)| Reverse(node))
        .collect()
}

fn release(dependents: &[usize], missing: &mut [usize], ready: &mut BinaryHeap<Reverse<usize>>) {
    for next in dependents {
        if let Some(left) = missing.get_mut(*next) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                ready.push(Reverse(*next));
            }
        }
    }
}

/// How a stage ended, as far as the others are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// What depends on it may start.
    Done,
    /// What depends on it must not start in this run.
    Held,
}

/// How the whole ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending<E> {
    /// Every stage was done.
    Complete,
    /// Some were held, and with them what depends on them.
    Held,
    /// Told to stop from outside.
    Cancelled,
    /// The first failure; the rest was stopped and awaited.
    Failed(E),
}

/// Runs a graph. `start` makes the future of a stage, and is told whether the stage is alone: nothing else runs, and
/// nothing else can start before it ends. The future is expected to end soon after `stop` is cancelled.
pub(crate) async fn drive<E, Fut>(
    graph: &Graph,
    width: usize,
    stop: &CancellationToken,
    mut start: impl FnMut(usize, bool) -> Fut,
) -> Ending<E>
where
    Fut: Future<Output = (usize, Result<Step, E>)>,
{
    let mut missing: Vec<usize> = (0..graph.len())
        .map(|node| graph.needs(node).len())
        .collect();
    let mut ready = roots(&missing);
    let mut running = FuturesUnordered::new();
    let (mut failure, mut held, mut done) = (None, false, 0usize);
    loop {
        while running.len() < width.max(1) && !stop.is_cancelled() {
            let Some(Reverse(node)) = ready.pop() else {
                break;
            };
            let alone = running.is_empty() && ready.is_empty();
            running.push(start(node, alone));
        }
        match running.next().await {
            None => break,
            Some((node, Ok(Step::Done))) => {
                done += 1;
                release(graph.dependents(node), &mut missing, &mut ready);
            }
            Some((_, Ok(Step::Held))) => held = true,
            Some((_, Err(why))) => {
                // Only the first failure is the reason; the others are its consequences.
                if failure.is_none() && !stop.is_cancelled() {
                    failure = Some(why);
                }
                stop.cancel();
            }
        }
    }
    match failure {
        Some(why) => Ending::Failed(why),
        None if done == graph.len() => Ending::Complete,
        None if held && !stop.is_cancelled() => Ending::Held,
        None => Ending::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, time::Duration};

    use tokio::time::{Instant, sleep};

    use super::*;

    fn graph(needs: &[&[usize]]) -> Graph {
        Graph::new(needs.iter().map(|list| list.to_vec()).collect()).unwrap()
    }

    async fn times(
        graph: &Graph,
        width: usize,
        millis: &[u64],
    ) -> (Vec<(usize, u128, u128)>, Ending<usize>) {
        let start = Instant::now();
        let log = RefCell::new(Vec::new());
        let stop = CancellationToken::new();
        let ending = drive(graph, width, &stop, |node, _| {
            let (log, began) = (&log, start.elapsed().as_millis());
            async move {
                sleep(Duration::from_millis(millis[node])).await;
                log.borrow_mut()
                    .push((node, began, start.elapsed().as_millis()));
                (node, Ok(Step::Done))
            }
        })
        .await;
        let mut log = log.into_inner();
        log.sort_unstable();
        (log, ending)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_starts_when_its_own_dependencies_are_done() {
        let graph = graph(&[&[], &[], &[0]]);
        let (log, ending) = times(&graph, 8, &[100, 2000, 100]).await;
        assert_eq!(log, [(0, 0, 100), (1, 0, 2000), (2, 100, 200)]);
        assert_eq!(ending, Ending::Complete);
    }

    #[tokio::test(start_paused = true)]
    async fn at_most_width_are_at_work_and_ready_stages_go_in_spec_order() {
        let graph = graph(&[&[], &[], &[], &[]]);
        let (log, _) = times(&graph, 2, &[10, 10, 10, 10]).await;
        assert_eq!(log, [(0, 0, 10), (1, 0, 10), (2, 10, 20), (3, 10, 20)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_stage_stops_the_rest_and_awaits_it() {
        let graph = graph(&[&[], &[], &[1]]);
        let stop = CancellationToken::new();
        let ended = RefCell::new(Vec::new());
        let ending = drive(&graph, 8, &stop, |node, _| {
            let (stop, ended) = (stop.clone(), &ended);
            async move {
                if node == 0 {
                    sleep(Duration::from_millis(5)).await;
                    return (node, Err("broke"));
                }
                stop.cancelled().await;
                sleep(Duration::from_millis(20)).await;
                ended.borrow_mut().push(node);
                (node, Err("stopped"))
            }
        })
        .await;
        assert_eq!(ending, Ending::Failed("broke"));
        assert_eq!(
            ended.into_inner(),
            [1],
            "the sibling was awaited, its dependent never started"
        );
    }

    #[tokio::test]
    async fn a_held_stage_holds_only_what_depends_on_it() {
        let graph = graph(&[&[], &[0], &[], &[2]]);
        let ran = RefCell::new(Vec::new());
        let ending: Ending<()> = drive(&graph, 8, &CancellationToken::new(), |node, _| {
            ran.borrow_mut().push(node);
            std::future::ready((node, Ok(if node == 0 { Step::Held } else { Step::Done })))
        })
        .await;
        assert_eq!(ending, Ending::Held);
        assert_eq!(ran.into_inner(), [0, 2, 3]);
    }

    #[tokio::test]
    async fn nothing_starts_after_it_was_told_to_stop() {
        let stop = CancellationToken::new();
        stop.cancel();
        let ending: Ending<()> = drive(&graph(&[&[]]), 8, &stop, |node, _| {
            assert_ne!(node, 0, "started");
            std::future::ready((node, Ok(Step::Done)))
        })
        .await;
        assert_eq!(ending, Ending::Cancelled);
    }

    #[tokio::test]
    async fn ten_thousand_stages_in_a_chain_run_in_order() {
        let chain = Graph::new(
            (0..10_000usize)
                .map(|n| n.checked_sub(1).into_iter().collect())
                .collect(),
        )
        .unwrap();
        let last = RefCell::new(None);
        let ending: Ending<()> = drive(&chain, 4, &CancellationToken::new(), |node, _| {
            assert_eq!(last.replace(Some(node)), node.checked_sub(1));
            std::future::ready((node, Ok(Step::Done)))
        })
        .await;
        assert_eq!(ending, Ending::Complete);
    }

    #[test]
    fn a_cycle_names_the_stages_that_wait_for_one_another() {
        assert_eq!(
            Graph::new(vec![vec![], vec![2], vec![1]]).unwrap_err(),
            Cycle(vec![1, 2])
        );
    }
}
