//! The table of limits of a whole run: what one spec may set in motion.
//!
//! A child run inherits what is left of its parent's and can only have less.

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct RunLimit {
    /// What it is called in messages and documentation.
    pub name: &'static str,
    /// The amount.
    pub amount: u64,
    /// What it is for.
    pub why: &'static str,
}

/// Limits of a run, with the reason for each.
pub const RUN_LIMITS: &[RunLimit] = &[
    RunLimit {
        name: "stages",
        amount: 50_000,
        why: "Stages of one spec.",
    },
    RunLimit {
        name: "fan_out_items",
        amount: 100_000,
        why: "Items of one fan-out.",
    },
    RunLimit {
        name: "starts",
        amount: 1_000_000,
        why: "Stages and items that a run and all runs below it start.",
    },
    RunLimit {
        name: "subagent_depth",
        amount: 8,
        why: "Specs within specs.",
    },
    RunLimit {
        name: "concurrent_stages",
        amount: 256,
        why: "Stages and items at work at one time.",
    },
    RunLimit {
        name: "model_turns",
        amount: 10,
        why: "Rounds of tool calls of one model stage.",
    },
    RunLimit {
        name: "calls_of_a_turn",
        amount: 64,
        why: "Tool calls of one answer of a model; those beyond are refused, and the model is told.",
    },
    RunLimit {
        name: "argument_bytes",
        amount: 1 << 20,
        why: "Arguments of one call by a model, as JSON.",
    },
    RunLimit {
        name: "told_chars",
        amount: 100_000,
        why: "Characters of one tool's result that a model is told; the rest is cut off, with a note.",
    },
    RunLimit {
        name: "result_bytes",
        amount: 1 << 30,
        why: "Bytes of memory that the results of a run and of all runs below it hold at one time.",
    },
    RunLimit {
        name: "loop_iterations",
        amount: 1_000,
        why: "Passes of one stage's loop.",
    },
];

impl RunLimit {
    /// The amount of the limit of this name; 0, which lets nothing run, if there is none.
    pub fn amount_of(name: &str) -> u64 {
        RUN_LIMITS
            .iter()
            .find(|row| row.name == name)
            .map_or(0, |row| row.amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_run_limit_lets_nothing_run() {
        assert_eq!(RunLimit::amount_of("subagent_depth"), 8);
        assert_eq!(RunLimit::amount_of("no such limit"), 0);
    }
}
