//! What a run has used, and how much of what counts for all its stages is left.
//!
//! A child run charges its parents too and is stopped by whichever of them runs out first: a budget is inherited and
//! can only shrink. A limit that is charged one too many is not charged at all, so two stages cannot share the last
//! unit. Counting costs an atomic addition; money is counted in millionths of a dollar, so that additions are exact.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use armature_sandbox::Spending;
use armature_store::state::Used;

/// The last model stage that the spec allows has been used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted {
    /// The limit that was reached.
    pub(crate) limit: u64,
}

/// The counters of one run.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    /// `contracts.max_llm_calls`; none where the spec sets 0 or less.
    max_model_stages: Option<u64>,
    model_stages: AtomicU64,
    llm_calls: AtomicU64,
    tokens: AtomicU64,
    micro_usd: AtomicU64,
    tool_calls: AtomicU64,
    parent: Option<Arc<Self>>,
}

impl Budget {
    /// A budget below another one.
    pub(crate) fn new(max_model_stages: Option<u64>, parent: Option<Arc<Self>>) -> Self {
        Self {
            max_model_stages,
            parent,
            ..Self::default()
        }
    }

    /// Begins where an interrupted run stopped. What is above it is told by whoever began there.
    pub(crate) fn go_on_from(&self, used: &Used, model_stages: u64) {
        self.model_stages.store(model_stages, Relaxed);
        self.llm_calls.store(used.llm_calls, Relaxed);
        self.tokens.store(used.tokens, Relaxed);
        self.micro_usd.store(micro(used.cost_usd), Relaxed);
        self.tool_calls.store(used.tool_calls, Relaxed);
    }

    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |budget| budget.parent.as_deref())
    }

    /// Takes one execution of a model stage from this budget and all above it, or from none of them.
    pub(crate) fn take_model_stage(&self) -> Result<(), Exhausted> {
        for (taken, budget) in self.chain().enumerate() {
            let Some(limit) = budget.max_model_stages else {
                continue;
            };
            let step = |used: u64| (used < limit).then_some(used + 1);
            if budget
                .model_stages
                .fetch_update(Relaxed, Relaxed, step)
                .is_err()
            {
                for charged in self
                    .chain()
                    .take(taken)
                    .filter(|b| b.max_model_stages.is_some())
                {
                    charged.model_stages.fetch_sub(1, Relaxed);
                }
                return Err(Exhausted { limit });
            }
        }
        Ok(())
    }

    /// Notes one model call, before it is made: one that fails or is given up may have been paid for too.
    pub(crate) fn add_model_call(&self) {
        for budget in self.chain() {
            budget.llm_calls.fetch_add(1, Relaxed);
        }
    }

    /// Notes what a model's reply used.
    pub(crate) fn add_model_usage(&self, tokens: u64, cost_usd: Option<f64>) {
        let micro = micro(cost_usd.unwrap_or(0.0));
        for budget in self.chain() {
            budget.tokens.fetch_add(tokens, Relaxed);
            budget.micro_usd.fetch_add(micro, Relaxed);
        }
    }

    /// Takes one call of a tool or an adapter, before its rules are asked: of calls that are judged at the same time
    /// each is told of another number of calls before it, so that a cap on them holds.
    pub(crate) fn take_tool_call(self: &Arc<Self>) -> ToolCallTaken {
        let chain = std::iter::successors(Some(self), |budget| budget.parent.as_ref());
        ToolCallTaken {
            before: chain
                .map(|budget| {
                    let before = budget.tool_calls.fetch_add(1, Relaxed);
                    (Arc::clone(budget), before)
                })
                .collect(),
            made: false,
        }
    }

    /// What this run and its children have used.
    pub(crate) fn spent(&self) -> Spending {
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact up to nine thousand million dollars"
        )]
        let cost_usd = self.micro_usd.load(Relaxed) as f64 / 1e6;
        Spending {
            cost_usd,
            tokens: self.tokens.load(Relaxed),
            llm_calls: self.llm_calls.load(Relaxed),
            tool_calls: self.tool_calls.load(Relaxed),
        }
    }
}

/// Money as it is counted.
fn micro(usd: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float to integer cast saturates"
    )]
    let micro = (usd.max(0.0) * 1e6).round() as u64;
    micro
}

/// A tool call that is counted, and given back unless it is made: when it is refused, or given up while a person is
/// asked.
#[derive(Debug)]
pub(crate) struct ToolCallTaken {
    /// Each budget that was charged, with its calls before this one.
    before: Vec<(Arc<Budget>, u64)>,
    made: bool,
}

impl ToolCallTaken {
    /// What a run had used before this call.
    pub(crate) fn spent_before(&self, budget: &Arc<Budget>) -> Spending {
        let spent = budget.spent();
        let mine = self
            .before
            .iter()
            .find(|(charged, _)| Arc::ptr_eq(charged, budget));
        Spending {
            tool_calls: mine.map_or(spent.tool_calls, |(_, before)| *before),
            ..spent
        }
    }

    /// The call is made now: it stays counted.
    pub(crate) fn made(mut self) {
        self.made = true;
    }
}

impl Drop for ToolCallTaken {
    fn drop(&mut self) {
        if !self.made {
            for (budget, _) in &self.before {
                budget.tool_calls.fetch_sub(1, Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_stopped_by_whoever_runs_out_first_and_takes_nothing_then() {
        let parent = Arc::new(Budget::new(Some(2), None));
        let child = Budget::new(Some(5), Some(Arc::clone(&parent)));
        assert_eq!(child.take_model_stage(), Ok(()));
        assert_eq!(parent.take_model_stage(), Ok(()));
        assert_eq!(child.take_model_stage(), Err(Exhausted { limit: 2 }));
        assert_eq!(child.model_stages.load(Relaxed), 1);
    }

    #[test]
    fn a_budget_that_goes_on_has_used_what_was_used_before() {
        let budget = Budget::new(Some(3), None);
        let used = Used {
            llm_calls: 4,
            tokens: 100,
            cost_usd: 0.5,
            tool_calls: 7,
            ..Used::default()
        };
        budget.go_on_from(&used, 2);
        assert_eq!(budget.spent().tokens, 100);
        assert!(budget.take_model_stage().is_ok());
        assert_eq!(budget.take_model_stage(), Err(Exhausted { limit: 3 }));
    }

    #[test]
    fn what_a_child_uses_its_parent_has_used() {
        let parent = Arc::new(Budget::new(None, None));
        let child = Arc::new(Budget::new(None, Some(Arc::clone(&parent))));
        child.add_model_call();
        child.add_model_usage(120, Some(0.25));
        child.take_tool_call().made();
        assert_eq!(
            parent.spent(),
            Spending {
                cost_usd: 0.25,
                tokens: 120,
                llm_calls: 1,
                tool_calls: 1
            }
        );
    }

    #[test]
    fn calls_that_are_judged_together_are_told_of_different_numbers_and_a_refused_one_is_given_back()
     {
        let parent = Arc::new(Budget::new(None, None));
        let child = Arc::new(Budget::new(None, Some(Arc::clone(&parent))));
        parent.take_tool_call().made();
        let (first, second) = (child.take_tool_call(), child.take_tool_call());
        assert_eq!(first.spent_before(&child).tool_calls, 0);
        assert_eq!(second.spent_before(&child).tool_calls, 1);
        assert_eq!(second.spent_before(&parent).tool_calls, 2);
        drop(first);
        second.made();
        assert_eq!(child.spent().tool_calls, 1);
        assert_eq!(parent.spent().tool_calls, 2);
    }
}
