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

/// Money or tokens are used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spent {
    /// The limit's name in `contracts`.
    pub(crate) limit: &'static str,
    /// Its amount, and what is used of it, as people read them.
    pub(crate) most: String,
    pub(crate) used: String,
}

/// What a run may use; none where the spec sets no limit.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Caps {
    /// `contracts.max_llm_calls`.
    pub(crate) model_stages: Option<u64>,
    /// `contracts.max_tokens_total`.
    pub(crate) tokens: Option<u64>,
    /// `contracts.max_cost_usd`, in dollars.
    pub(crate) cost_usd: Option<f64>,
}

/// The counters of one run.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    caps: Caps,
    model_stages: AtomicU64,
    llm_calls: AtomicU64,
    tokens: AtomicU64,
    micro_usd: AtomicU64,
    tool_calls: AtomicU64,
    parent: Option<Arc<Self>>,
}

impl Budget {
    /// A budget below another one.
    pub(crate) fn new(caps: Caps, parent: Option<Arc<Self>>) -> Self {
        Self {
            caps,
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
            let Some(limit) = budget.caps.model_stages else {
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
                    .filter(|b| b.caps.model_stages.is_some())
                {
                    charged.model_stages.fetch_sub(1, Relaxed);
                }
                return Err(Exhausted { limit });
            }
        }
        Ok(())
    }

    /// May a model still be asked? What a call will cost is known after it, so the call that reaches the limit is made
    /// and is the last.
    pub(crate) fn check_spending(&self) -> Result<(), Spent> {
        for budget in self.chain() {
            let used = budget.tokens.load(Relaxed);
            if let Some(most) = budget.caps.tokens.filter(|most| used >= *most) {
                return Err(Spent {
                    limit: "max_tokens_total",
                    most: most.to_string(),
                    used: used.to_string(),
                });
            }
            let used = budget.micro_usd.load(Relaxed);
            if let Some(most) = budget.caps.cost_usd.filter(|most| used >= micro(*most)) {
                return Err(Spent {
                    limit: "max_cost_usd",
                    most: most.to_string(),
                    used: budget.spent().cost_usd.to_string(),
                });
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

    fn stages(most: u64) -> Caps {
        Caps {
            model_stages: Some(most),
            ..Caps::default()
        }
    }

    #[test]
    fn money_and_tokens_of_children_stop_the_parent_too() {
        let caps = Caps {
            tokens: Some(100),
            cost_usd: Some(0.5),
            ..Caps::default()
        };
        let parent = Arc::new(Budget::new(caps, None));
        let child = Budget::new(Caps::default(), Some(Arc::clone(&parent)));
        child.add_model_usage(99, Some(0.1));
        assert_eq!(child.check_spending(), Ok(()));
        child.add_model_usage(0, Some(0.4));
        let spent = parent.check_spending().unwrap_err();
        assert_eq!((spent.limit, spent.used.as_str()), ("max_cost_usd", "0.5"));
        child.add_model_usage(1, None);
        let spent = child.check_spending().unwrap_err();
        assert_eq!(
            (spent.limit, spent.most.as_str()),
            ("max_tokens_total", "100")
        );
    }

    #[test]
    fn a_child_is_stopped_by_whoever_runs_out_first_and_takes_nothing_then() {
        let parent = Arc::new(Budget::new(stages(2), None));
        let child = Budget::new(stages(5), Some(Arc::clone(&parent)));
        assert_eq!(child.take_model_stage(), Ok(()));
        assert_eq!(parent.take_model_stage(), Ok(()));
        assert_eq!(child.take_model_stage(), Err(Exhausted { limit: 2 }));
        assert_eq!(child.model_stages.load(Relaxed), 1);
    }

    #[test]
    fn a_budget_that_goes_on_has_used_what_was_used_before() {
        let budget = Budget::new(stages(3), None);
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
        let parent = Arc::new(Budget::new(Caps::default(), None));
        let child = Arc::new(Budget::new(Caps::default(), Some(Arc::clone(&parent))));
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
        let parent = Arc::new(Budget::new(Caps::default(), None));
        let child = Arc::new(Budget::new(Caps::default(), Some(Arc::clone(&parent))));
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
