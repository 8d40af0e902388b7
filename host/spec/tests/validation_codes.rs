//! One spec for each code, wrong in that way only, and the place where it says so.

use std::collections::BTreeSet;

use armature_spec::{Code, ConditionOp, Finding, SafetyRule, Severity, parse, validate};

/// Everything that is found in a spec: while reading, or by looking at the whole.
fn findings(text: &str) -> Vec<Finding> {
    match parse("s.yml", text) {
        Ok(document) => {
            let mut all = document.warnings.clone();
            all.extend(validate(&document));
            all
        }
        Err(findings) => findings.0,
    }
}

/// Code, a spec with a `§` before the place of the finding, and the nearest spec that has nothing wrong.
const CASES: &[(Code, &str, &str)] = &[
    (
        Code::YamlSyntax,
        "\
name: x
§name: y",
        "\
name: x
stages: []",
    ),
    (
        Code::InvalidValue,
        "\
name: x
stages:
- {id: a, role: {name: n, type: §boss, description: d}}",
        "\
name: x
stages:
- {id: a, role: {name: n, type: judge, description: d}}",
    ),
    (
        Code::UnknownKey,
        "\
name: x
stages:
- {id: a, gate: human, §presnt: hi}",
        "\
name: x
stages:
- {id: a, gate: human, present: hi}",
    ),
    (
        Code::DuplicateStageId,
        "\
name: x
stages:
- {id: a, gate: human}
- {id: §a, gate: human}",
        "\
name: x
stages:
- {id: a, gate: human}
- {id: A, gate: human}",
    ),
    (
        Code::InvalidStageId,
        "\
name: x
stages:
- {id: §'', gate: human}",
        "\
name: x
stages:
- {id: '0', gate: human}",
    ),
    (
        Code::UndefinedDependency,
        "\
name: x
stages:
- {id: a, gate: human, depends_on: [§b]}",
        "\
name: x
stages:
- {id: a, gate: human, depends_on: [b]}
- {id: b, gate: human}",
    ),
    (
        Code::CircularDependency,
        "\
name: x
stages:
- {id: a, gate: human, depends_on: §[b]}
- {id: b, gate: human, depends_on: [a]}",
        "\
name: x
stages:
- {id: a, gate: human, depends_on: [b]}
- {id: b, gate: human, depends_on: []}",
    ),
    (
        Code::UndefinedAdapter,
        "\
name: x
stages:
- {id: a, adapter: §b}",
        "\
name: x
adapters: {b: {type: script, cmd: ls}}
stages:
- {id: a, adapter: b}",
    ),
    (
        Code::NoExecutionType,
        "\
name: x
stages:
- {id: §a}",
        "\
name: x
stages:
- {id: a, gate: human}",
    ),
    (
        Code::SeveralExecutionTypes,
        "\
name: x
stages:
- {id: a, gate: human, subagent_spec: §b.yml}",
        "\
name: x
stages:
- {id: a, subagent_spec: b.yml}",
    ),
    (
        Code::InvalidGate,
        "\
name: x
stages:
- {id: a, gate: §robot}",
        "\
name: x
stages:
- {id: a, gate: human}",
    ),
    (
        Code::FanOutMissingPartitionSource,
        "\
name: x
stages:
- {id: a, tool_call: {name: t}, fan_out: §2}",
        "\
name: x
stages:
- {id: a, tool_call: {name: t}, fan_out: 2, partition_source: '{{ x }}'}",
    ),
    (
        Code::PartitionSourceMissingFanOut,
        "\
name: x
stages:
- {id: a, gate: human, partition_source: §'{{ x }}'}",
        "\
name: x
stages:
- {id: a, gate: human, partition_source: '{{ x }}', fan_out: 1}",
    ),
    (
        Code::InvalidFanOut,
        "\
name: x
stages:
- {id: a, gate: human, partition_source: '{{ x }}', fan_out: §0}",
        "\
name: x
stages:
- {id: a, gate: human, partition_source: '{{ x }}', fan_out: 1}",
    ),
    (
        Code::InvalidFanOut,
        "\
name: x
stages:
- {id: a, subagent_spec: x.yml, fan_out: §1000000000000}",
        "\
name: x
stages:
- {id: a, subagent_spec: x.yml, fan_out: 1000}",
    ),
    (
        Code::InjectFileMissingPartitionSource,
        "\
name: x
stages:
- {id: a, gate: human, inject_file_as: §f}",
        "\
name: x
stages:
- {id: a, gate: human, inject_file_as: f, fan_out: 2, partition_source: '{{ x }}'}",
    ),
    (
        Code::UndefinedLoopStage,
        "\
name: x
stages:
- {id: a, gate: human, on_fail: {loop: {stage: §b}}}",
        "\
name: x
stages:
- {id: a, gate: human, on_fail: {loop: {stage: a}}}",
    ),
    (
        Code::LoopStageNotBefore,
        "\
name: x
stages:
- {id: a, gate: human, on_fail: {loop: {stage: §b}}}
- {id: b, gate: human}",
        "\
name: x
stages:
- {id: a, gate: human, depends_on: [c], on_fail: {loop: {stage: b}}}
- {id: b, gate: human}
- {id: c, gate: human, depends_on: [b]}",
    ),
    (
        Code::LoopInvalidMaxIterations,
        "\
name: x
stages:
- {id: a, gate: human, loop: {max_iterations: §0}}",
        "\
name: x
stages:
- {id: a, gate: human, loop: {max_iterations: 1}}",
    ),
    (
        Code::LoopInvalidMaxIterations,
        "\
name: x
contracts: {max_iterations: 0}
stages:
- {id: a, gate: human, loop: {max_iterations: §1001}}",
        "\
name: x
contracts: {max_iterations: 0}
stages:
- {id: a, gate: human, loop: {max_iterations: 1000}}",
    ),
    (
        Code::LoopAboveContract,
        "\
name: x
stages:
- {id: a, gate: human, loop: {max_iterations: §21}}",
        "\
name: x
stages:
- {id: a, gate: human, loop: {max_iterations: 20}}",
    ),
    (
        Code::LoopInvalidUntilExpr,
        "\
name: x
stages:
- {id: a, gate: human, loop: {until: §'{{ a > }}'}}",
        "\
name: x
stages:
- {id: a, gate: human, loop: {until: '{{ a > 1 }}'}}",
    ),
    (
        Code::LoopEmptyCarryForwardPath,
        "\
name: x
stages:
- {id: a, gate: human, loop: {carry_forward: [§'a.']}}",
        "\
name: x
stages:
- {id: a, gate: human, loop: {carry_forward: [a.b, c], iteration_var: pass}}",
    ),
    (
        Code::LoopInvalidIterationVar,
        "\
name: x
stages:
- {id: a, gate: human, loop: {iteration_var: §2nd}}",
        "\
name: x
stages:
- {id: a, gate: human, loop: {iteration_var: second}}",
    ),
    (
        Code::LoopReservedIterationVar,
        "\
name: x
stages:
- {id: a, gate: human, loop: {iteration_var: §a}}",
        "\
name: x
stages:
- {id: a, gate: human, loop: {iteration_var: b}}",
    ),
    (
        Code::LoopReservedIterationVar,
        "\
name: x
stages:
- {id: a, gate: human, loop: {iteration_var: §run_id}}",
        "\
name: x
stages:
- {id: a, gate: human, loop: {iteration_var: run}}",
    ),
    (
        Code::LoopAndOnFailLoopCoexist,
        "\
name: x
stages:
- {id: a, gate: human, loop: §{max_iterations: 2}, on_fail: {loop: {max: 1}}}",
        "\
name: x
stages:
- {id: a, gate: human, loop: {max_iterations: 2}}",
    ),
    (
        Code::UndefinedModelTier,
        "\
name: x
stages:
- {id: a, role: {name: n, type: worker, description: d, model_tier: §huge}}",
        "\
name: x
model_tiers: {huge: {provider: p, model: m}}
stages:
- {id: a, role: {name: n, type: worker, description: d, model_tier: huge}}",
    ),
    (
        Code::DefaultTierNotConfigured,
        "\
name: x
model_tiers: {large: {provider: p, model: m}}
stages:
- {id: a, role: §{name: n, type: worker, description: d}}",
        "\
name: x
model_tiers: {large: {provider: p, model: m}}
role_type_defaults: {worker: large}
stages:
- {id: a, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::GuidedJsonLowTierRisk,
        "\
name: x
model_tiers: {small: {provider: p, model: m}}
stages:
- {id: a, output_schema: {}, output_mode: §guided_json, role: {name: n, type: worker, description: d}}",
        "\
name: x
model_tiers: {small: {provider: p, model: m}}
stages:
- {id: a, output_schema: {}, output_mode: json, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::MissingOutputSchema,
        "\
name: x
stages:
- {id: a, output_mode: §guided_json, role: {name: n, type: worker, description: d}}",
        "\
name: x
stages:
- {id: a, output_mode: guided_json, output_schema: {}, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::ContractInputMissingName,
        "\
name: x
contracts: {inputs: [§{required: true}]}
stages: []",
        "\
name: x
contracts: {inputs: [{required: true, name: a}]}
stages: []",
    ),
    (
        Code::UnknownInputType,
        "\
name: x
contracts: {inputs: [{name: a, type: §intger}]}
stages: []",
        "\
name: x
contracts: {inputs: [{name: a, type: integer}, {name: b, type: a haiku}]}
stages: []",
    ),
    (
        Code::DuplicateInput,
        "\
name: x
contracts: {inputs: [{name: a}, {name: §a}]}
stages: []",
        "\
name: x
contracts: {inputs: [{name: a}, {name: b}]}
stages: []",
    ),
    (
        Code::InvalidInputName,
        "\
name: x
contracts: {inputs: [{name: §a-b}]}
stages: []",
        "\
name: x
contracts: {inputs: [{name: a_b}]}
stages: []",
    ),
    (
        Code::InvalidInputName,
        "\
name: x
contracts: {inputs: [{name: §env}]}
stages: []",
        "\
name: x
contracts: {inputs: [{name: environment}]}
stages: []",
    ),
    (
        Code::InvalidInputName,
        "\
name: x
contracts: {inputs: [{name: §run_id}]}
stages: []",
        "\
name: x
contracts: {inputs: [{name: run}]}
stages: []",
    ),
    (
        Code::ContractOutputMissingStage,
        "\
name: x
contracts: {outputs: [§{key: k}]}
stages: []",
        "\
name: x
contracts: {outputs: [{key: k, stage: s}]}
stages: [{id: s, gate: human}]",
    ),
    (
        Code::ContractOutputUndefinedStage,
        "\
name: x
contracts: {outputs: [{key: k, stage: §s}]}
stages: []",
        "\
name: x
contracts: {outputs: [{key: k, stage: s}]}
stages: [{id: s, gate: human}]",
    ),
    (
        Code::ContractOutputMissingKey,
        "\
name: x
contracts: {outputs: [§{stage: s}]}
stages: [{id: s, gate: human}]",
        "\
name: x
contracts: {outputs: [{key: k, stage: s}]}
stages: [{id: s, gate: human}]",
    ),
    (
        Code::PostRunTranscriptOverflowRisk,
        "\
name: x
stages:
- {id: a, gate: human, fan_out: 2, partition_source: '{{ x }}'}
- {id: §b, gate: human, post_run: true}",
        "\
name: x
stages:
- {id: a, gate: human, fan_out: 2, partition_source: '{{ x }}'}
- {id: b, gate: human, post_run: true, signature: {input: {_diagnostics: d}}}",
    ),
    (
        Code::PostRunDependsOn,
        "\
name: x
stages:
- {id: a, gate: human}
- {id: b, gate: human, post_run: true, depends_on: §[a]}",
        "\
name: x
stages:
- {id: a, gate: human}
- {id: b, gate: human, post_run: true, depends_on: []}",
    ),
    (
        Code::DependsOnPostRun,
        "\
name: x
stages:
- {id: a, gate: human, post_run: true}
- {id: b, gate: human, depends_on: [§a]}",
        "\
name: x
stages:
- {id: a, gate: human, post_run: false}
- {id: b, gate: human, depends_on: [a]}",
    ),
    (
        Code::SignatureTypeMismatch,
        "\
name: x
stages:
- {id: a, gate: human, signature: {output: {k: str}}}
- {id: b, gate: human, depends_on: [a], signature: {input: {k: §int}}}",
        "\
name: x
stages:
- {id: a, gate: human, signature: {output: {k: int}}}
- {id: b, gate: human, depends_on: [a], signature: {input: {k: int}}}",
    ),
    (
        Code::UndefinedSignatureInput,
        "\
name: x
stages:
- {id: a, gate: human}
- {id: b, gate: human, depends_on: [a], signature: {input: {k: §int}}}",
        "\
name: x
stages:
- {id: a, gate: human}
- {id: b, gate: human, depends_on: [a], signature: {input: {a: int, run_id: str}}}",
    ),
    (
        Code::StageShadowsBuiltIn,
        "\
name: x
stages:
- {id: §run_id, gate: human}",
        "\
name: x
stages:
- {id: run_ids, gate: human}",
    ),
    (
        Code::StageShadowsBuiltIn,
        "\
name: x
stages:
- {id: §env, gate: human}",
        "\
name: x
stages:
- {id: environment, gate: human}",
    ),
    (
        Code::StageShadowsInput,
        "\
name: x
contracts: {inputs: [{name: a}]}
stages:
- {id: §a, gate: human}",
        "\
name: x
contracts: {inputs: [{name: b}]}
stages:
- {id: a, gate: human}",
    ),
    (
        Code::ConflictingSafetyRules,
        "\
name: x
safety_rules:
- {tool: '*', action: block}
- §{tool: t, action: allow}
stages: []",
        "\
name: x
safety_rules:
- {tool: u, action: block}
- {tool: t, action: allow}
stages: []",
    ),
    (
        Code::RuleBlindToShell,
        "\
name: x
safety_rules:
- §{tool: file_write, action: block}
adapters: {s: {type: script, cmd: 'echo x > y'}}
stages: [{id: a, adapter: s}]",
        "\
name: x
safety_rules:
- {tool: shell, action: block}
adapters: {s: {type: script, cmd: 'echo x > y'}}
stages: [{id: a, adapter: s}]",
    ),
    (
        Code::InvalidTemplate,
        "\
name: x
stages:
- {id: a, tool_call: {name: t, args: {k: ['ok', {z: §'{{ x | }}'}]}}}",
        "\
name: x
stages:
- {id: a, tool_call: {name: t, args: {k: ['ok', {z: '{{ x | trim }}'}]}}}",
    ),
    (
        Code::UndefinedName,
        "\
name: x
contracts: {inputs: [{name: topic}]}
stages:
- {id: a, gate: human, present: §'{{ topik }}'}",
        "\
name: x
contracts: {inputs: [{name: topic}]}
stages:
- {id: a, gate: human, present: '{{ topic }} {{ topik | default(1) }}'}",
    ),
    (
        Code::UnreadTemplate,
        "\
name: x
mission: 'Make {{ topic }} known.'
sandbox: {host_workspace: §'{{ dir }}'}
stages:
- {id: a, gate: human}",
        "\
name: x
mission: 'Make {{ topic }} known.'
sandbox: {host_workspace: dir}
stages:
- {id: a, gate: human}",
    ),
    (
        Code::ConstantCondition,
        "\
name: x
stages:
- {id: a, gate: human, condition: §x > 3}",
        "\
name: x
stages:
- {id: a, gate: human, condition: '{{ x > 3 }}', skip_if: false}",
    ),
    (
        Code::InvalidRegex,
        "\
name: x
safety_rules:
- {tool: t, action: block, condition: {field: f, op: matches_regex, value: §'('}}
stages: []",
        "\
name: x
safety_rules:
- {tool: t, action: block, condition: {field: f, op: contains, value: '('}}
stages: []",
    ),
    (
        Code::InvalidOutputSchema,
        "\
name: x
stages:
- {id: a, output_mode: json, output_schema: §{type: strng}, role: {name: n, type: worker, description: d}}",
        "\
name: x
stages:
- {id: a, output_mode: json, output_schema: {type: string}, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::InvalidToolEntry,
        "\
name: x
tools:
- §{grants: {}}
stages: []",
        "\
name: x
tools:
- {plugin: p, grants: {}}
stages: []",
    ),
    (
        Code::InvalidToolEntry,
        "\
name: x
tools:
- §{plugin: p, module: a.b}
stages: []",
        "\
name: x
tools:
- {module: a.b}
stages: []",
    ),
    (
        Code::InvalidAdapter,
        "\
name: x
adapters:
  a: §{type: plugin}
stages: []",
        "\
name: x
adapters:
  a: {type: plugin, plugin: p}
stages: []",
    ),
    (
        Code::UnknownAdapterType,
        "\
name: x
adapters:
  a: {type: §bash, cmd: ls}
stages: []",
        "\
name: x
adapters:
  a: {type: script, cmd: ls}
stages: []",
    ),
    (
        Code::UnquotedShellValue,
        "\
name: x
adapters:
  a: {type: script, cmd: §\"ls '{{ dir }}'\"}
stages: []",
        "\
name: x
adapters:
  a: {type: script, cmd: \"ls {{ dir | sh }}\"}
stages: []",
    ),
    (
        Code::UnknownSkill,
        "\
name: x
stages:
- {id: a, role: {name: n, type: worker, description: d, skills: [§s]}}",
        "\
name: x
skill_library: {s: {id: s, description: d, content: c}}
stages:
- {id: a, role: {name: n, type: worker, description: d, skills: [s]}}",
    ),
    (
        Code::UnknownMemoryStage,
        "\
name: x
memory: {capture: [{stage: §s, key: k}]}
stages: []",
        "\
name: x
memory: {capture: [{stage: s, key: k}]}
stages: [{id: s, gate: human}]",
    ),
    (
        Code::UnknownMemoryStage,
        "\
name: x
continuation: {carry_forward: [{key: §s.k}]}
stages: []",
        "\
name: x
continuation: {carry_forward: [{key: s.k}]}
stages: [{id: s, gate: human}]",
    ),
    (
        Code::MemoryWithoutUse,
        "\
name: x
memory: {enabled: false, navigation_tools: §true}
stages: []",
        "\
name: x
memory: {navigation_tools: true}
stages: []",
    ),
    (
        Code::MemoryDbPlace,
        "\
name: x
memory: {db: §../shared.db}
stages: []",
        "\
name: x
memory: {db: shared.db}
stages: []",
    ),
    (
        Code::InvalidBootstrap,
        "\
name: x
stages:
- {id: a, bootstrap: {examples: §11}, role: {name: n, type: worker, description: d}}",
        "\
name: x
stages:
- {id: a, bootstrap: {examples: 10}, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::InvalidBootstrap,
        "\
name: x
stages:
- {id: a, bootstrap: {min_score: §8}, role: {name: n, type: worker, description: d}}",
        "\
name: x
stages:
- {id: a, bootstrap: {min_score: 0.8}, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::InvalidDuration,
        "\
name: x
stages:
- {id: a, gate: human, timeout_s: §-1}",
        "\
name: x
stages:
- {id: a, gate: human, timeout_s: 0.1}",
    ),
    (
        Code::InvalidCron,
        "\
name: x
triggers: [{type: cron, schedule: §'0 25 * * *'}]
stages: []",
        "\
name: x
triggers: [{type: cron, schedule: '0 23 * * 1-5'}]
stages: []",
    ),
    (
        Code::InvalidWebhookPath,
        "\
name: x
triggers: [{type: webhook, path: §build}]
stages: []",
        "\
name: x
triggers: [{type: webhook, path: /build}]
stages: []",
    ),
    (
        Code::ResponseStageNotText,
        "\
name: x
stages:
- {id: a, response_stage: §true, output_mode: json, role: {name: n, type: worker, description: d}}",
        "\
name: x
stages:
- {id: a, response_stage: true, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::DeadSetting,
        "\
name: x
trace: {enabled: true, metrics: §[latency]}
stages: []",
        "\
name: x
trace: {enabled: true}
stages: []",
    ),
    (
        Code::DeadSetting,
        "\
name: x
stages:
- {id: a, role: {name: n, type: worker, description: d}, present: §hi}",
        "\
name: x
stages:
- {id: a, gate: human, present: hi}",
    ),
    (
        Code::UndefinedRole,
        "\
name: x
roles: {r: {type: worker, description: d}}
stages:
- {id: a, role: §q}",
        "\
name: x
roles: {r: {type: worker, description: d}}
stages:
- {id: a, role: r}",
    ),
    (
        Code::UndefinedAgent,
        "\
name: x
agent_library: {echo: {path: agents/echo.yaml}}
stages:
- {id: a, agent: §ecko}",
        "\
name: x
agent_library: {echo: {path: agents/echo.yaml}}
stages:
- {id: a, agent: echo}",
    ),
    (
        Code::AgentPathEscape,
        "\
name: x
agent_library: {echo: {path: §../echo.yaml}}
stages: []",
        "\
name: x
agent_library: {echo: {path: a/../echo.yaml}}
stages: []",
    ),
    (
        Code::AgentPathEscape,
        "\
name: x
agent_library: {echo: {path: §/etc/echo.yaml}}
stages: []",
        "\
name: x
agent_library: {echo: {path: a/../echo.yaml}}
stages: []",
    ),
    (
        Code::AgentPathEscape,
        "\
name: x
agent_library: {echo: {path: §a/../../b.yaml}}
stages: []",
        "\
name: x
agent_library: {echo: {path: a/../echo.yaml}}
stages: []",
    ),
    (
        Code::ClosureStageUndefined,
        "\
name: x
closure: {stage: §b}
stages:
- {id: a, output_mode: guided_json, output_schema: {required: [reason], properties: {reason: {enum: [done_no_follow_on, escalation]}}}, role: {name: n, type: worker, description: d}}",
        "\
name: x
closure: {stage: a}
stages:
- {id: a, output_mode: guided_json, output_schema: {required: [reason], properties: {reason: {enum: [done_no_follow_on, escalation]}}}, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::ClosureStageNotGuidedJson,
        "\
name: x
closure: {stage: §a}
stages:
- {id: a, role: {name: n, type: worker, description: d}}",
        "\
name: x
closure: {stage: a}
stages:
- {id: a, output_mode: guided_json, output_schema: {required: [reason], properties: {reason: {enum: [done_no_follow_on, escalation]}}}, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::ClosureSchemaInvalid,
        "\
name: x
closure: {stage: §a}
stages:
- {id: a, output_mode: guided_json, output_schema: {required: [reason], properties: {reason: {enum: [done]}}}, role: {name: n, type: worker, description: d}}",
        "\
name: x
closure: {stage: a}
stages:
- {id: a, output_mode: guided_json, output_schema: {required: [reason], properties: {reason: {enum: [done_no_follow_on, escalation]}}}, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::ClosureSchemaInvalid,
        "\
name: x
closure: {stage: §a}
stages:
- {id: a, output_mode: guided_json, output_schema: {properties: {reason: {enum: [escalation]}}}, role: {name: n, type: worker, description: d}}",
        "\
name: x
closure: {stage: a}
stages:
- {id: a, output_mode: guided_json, output_schema: {required: [reason], properties: {reason: {enum: [done_no_follow_on, escalation]}}}, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::ClosureSchemaInvalid,
        "\
name: x
closure: {stage: §a}
stages:
- {id: a, output_mode: guided_json, output_schema: {required: [reason]}, role: {name: n, type: worker, description: d}}",
        "\
name: x
closure: {stage: a}
stages:
- {id: a, output_mode: guided_json, output_schema: {required: [reason], properties: {reason: {enum: [done_no_follow_on, escalation]}}}, role: {name: n, type: worker, description: d}}",
    ),
    (
        Code::ReservedContextLayerName,
        "\
name: x
context_layers: [{name: §mission, content: c}]
stages: []",
        "\
name: x
context_layers: [{name: style, content: c}]
stages: []",
    ),
    (
        Code::ReservedContextLayerName,
        "\
name: x
context_layers: [{name: §a, content: c}]
stages: [{id: a, gate: human}]",
        "\
name: x
context_layers: [{name: style, content: c}]
stages: [{id: a, gate: human}]",
    ),
    (
        Code::EmptyContextLayer,
        "\
name: x
context_layers: [§{name: style}]
stages: []",
        "\
name: x
context_layers: [{name: style, src: style.md}]
stages: []",
    ),
    (
        Code::SrcPathEscape,
        "\
name: x
context_layers: [{name: style, src: §../style.md}]
stages: []",
        "\
name: x
context_layers: [{name: style, src: ./text/style.md}]
stages: []",
    ),
    (
        Code::UnknownContextLayer,
        "\
name: x
context_layers: [{name: style, content: c}]
context_policy: {must: [§stile]}
stages: []",
        "\
name: x
context_layers: [{name: style, content: c}]
context_policy: {must: [style]}
stages: []",
    ),
    (
        Code::UnknownContextSource,
        "\
name: x
contracts: {inputs: [{name: topic}]}
stages:
- {id: a, gate: human}
- {id: b, gate: human, context_policy: {never: [§c]}}",
        "\
name: x
contracts: {inputs: [{name: topic}]}
stages:
- {id: a, gate: human}
- {id: b, gate: human, context_policy: {never: [a]}}",
    ),
    (
        Code::ContextPolicyContradictsFloor,
        "\
name: x
context_layers: [{name: style, content: c, never: [style]}]
context_policy: {must: [§style]}
stages: []",
        "\
name: x
context_layers: [{name: style, content: c}]
context_policy: {must: [style], never: [style]}
stages: []",
    ),
    (
        Code::NeverBlocksPartitionSource,
        "\
name: x
stages:
- {id: a, gate: human}
- {id: b, depends_on: [a], context_policy: {never: [a]}, tool_call: {name: t}, fan_out: 2, partition_source: §'{{ a.list }}'}",
        "\
name: x
stages:
- {id: a, gate: human}
- {id: c, gate: human}
- {id: b, depends_on: [a], context_policy: {never: [c]}, tool_call: {name: t}, fan_out: 2, partition_source: '{{ a.list }}'}",
    ),
    (
        Code::ContextTransitLeakRisk,
        "\
name: x
stages:
- {id: a, gate: human, present: '{{ secret }}'}
- {id: b, gate: human, depends_on: [a], context_policy: §{never: [secret]}}",
        "\
name: x
stages:
- {id: a, gate: human, present: '{{ secret }}'}
- {id: b, gate: human, depends_on: [a], context_policy: {never: [secret, a]}}",
    ),
];

#[test]
fn each_code_is_found_alone_and_where_it_is() {
    for (code, marked, _) in CASES {
        let (before, after) = marked.split_once('§').unwrap();
        let text = format!("{before}{after}");
        let line = before
            .lines()
            .last()
            .filter(|_| !before.ends_with('\n'))
            .unwrap_or_default();
        let place = Some((before.matches('\n').count() + 1, line.chars().count() + 1));
        let found = findings(&text);
        let same: Vec<&Finding> = found
            .iter()
            .filter(|finding| finding.code == *code)
            .collect();
        assert_eq!(
            found.len(),
            same.len(),
            "{code}: something else was found: {found:#?}"
        );
        let first = same
            .first()
            .unwrap_or_else(|| panic!("{code} was not found in:\n{text}"));
        assert_eq!(first.severity, code.severity());
        assert_eq!(first.at.map(|at| (at.line, at.column)), place, "{first}");
        let at = first.at.unwrap();
        assert!(
            at.length > 0 && at.offset + at.length <= text.len(),
            "{code}: {at:?}"
        );
    }
}

#[test]
fn the_nearest_valid_neighbour_of_each_wrong_spec_has_no_finding() {
    for (code, _, right) in CASES {
        assert_eq!(findings(right), [], "{code}\n{right}");
    }
}

#[test]
fn each_finding_knows_its_file_its_place_and_what_to_do() {
    for (code, marked, _) in CASES {
        for finding in findings(&marked.replacen('§', "", 1)) {
            assert!(finding.hint.is_some(), "{code} has no hint: {finding}");
            assert!(finding.at.is_some(), "{finding}");
            let file = finding.file.as_ref().unwrap();
            assert_eq!(&*file.name, "s.yml", "{finding}");
        }
    }
}

#[test]
fn no_code_is_without_a_case() {
    let covered: BTreeSet<Code> = CASES
        .iter()
        .map(|(code, ..)| *code)
        .chain([Code::Unreadable])
        .collect();
    let all: BTreeSet<Code> = Code::ALL.iter().copied().collect();
    assert_eq!(covered, all);
}

#[test]
fn everything_is_reported_at_once_in_the_order_of_the_text() {
    let found = findings(
        "name: x\nstages:\n- {id: a, depends_on: [z]}\n- {id: a, adapter: no}\n- {id: c, gate: human, condition: '{{'}\n",
    );
    let codes: Vec<(usize, &str)> = found.iter().map(|f| (f.at.unwrap().line, f.code)).collect();
    assert_eq!(
        codes,
        [
            (3, Code::NoExecutionType.as_str()),
            (3, Code::UndefinedDependency.as_str()),
            (4, Code::DuplicateStageId.as_str()),
            (4, Code::UndefinedAdapter.as_str()),
            (5, Code::InvalidTemplate.as_str()),
        ]
    );
    assert!(found.iter().skip(1).all(|finding| finding.stage.is_some()));
}

#[test]
fn wrong_words_list_the_right_ones_and_near_misses_are_named() {
    let found = findings(
        "name: x\nsafety_mode: strikt\nstages:\n- {id: plan, gate: human}\n- {id: b, gate: human, depends_on: [plann]}\n",
    );
    assert_eq!(
        found[0].message,
        "`strikt` is not allowed here; one of permissive, strict"
    );
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `strict`?"));
    let found = findings(
        "name: x\nstages:\n- {id: plan, gate: human}\n- {id: b, gate: human, depends_on: [plann]}\n",
    );
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `plan`?"));
}

#[test]
fn grants_and_limits_that_are_written_wrongly_are_errors_where_they_are() {
    for (entry, column, says) in [
        ("grants: {http: ['GET ftp://x']}", 30, "HTTP pattern"),
        ("grants: {fs: {read: ['../x']}}", 35, "`..`"),
        ("grants: {htp: []}", 24, "there is no key `htp` here"),
        ("grants: {tools: [Bad]}", 31, "Bad"),
    ] {
        let found = findings(&format!(
            "name: x\ntools:\n- {{plugin: p, {entry}}}\nstages: []\n"
        ));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].code, Code::InvalidValue);
        assert!(found[0].message.contains(says), "{}", found[0]);
        assert_eq!(
            found[0].at.map(|at| (at.line, at.column)),
            Some((3, column)),
            "{}",
            found[0]
        );
    }
    let found = findings("name: x\ntools:\n- {plugin: p, limits: {feul: 1}}\nstages: []\n");
    assert!(
        found
            .iter()
            .any(|f| f.severity == Severity::Error && f.at.unwrap().line == 3),
        "{found:#?}"
    );
}

#[test]
fn halves_of_rules_skills_and_triggers_are_errors() {
    for (text, says) in [
        ("safety_rules: [{tool: t}]", "lacks `action`"),
        ("safety_rules: [{action: block}]", "lacks `tool`"),
        (
            "safety_rules: [{plugin: p, action: block}]",
            "either `plugin` or `action`",
        ),
        (
            "skill_library: {s: {id: s, description: d}}",
            "lacks `content` or `path`",
        ),
        ("triggers: [{type: cron}]", "needs `schedule`"),
        ("triggers: [{type: webhook}]", "needs `path`"),
        ("triggers: [{type: mail}]", "one of cron, webhook"),
        ("model_tiers: {small: {provider: p}}", "`model` is missing"),
    ] {
        let found = findings(&format!("name: x\n{text}\nstages: []\n"));
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert!(found[0].message.contains(says), "{text}: {}", found[0]);
        assert_eq!(found[0].at.unwrap().line, 2, "{text}");
    }
}

#[test]
fn rules_with_and_without_a_condition_and_of_plugins_are_read() {
    let text = "
name: x
safety_rules:
  - {tool: shell, condition: {field: command, op: contains, value: 42}, action: block, message: no}
  - {tool: shell, action: log}
  - {plugin: spending-cap, config: {limit: 5}}
model_tiers: {synthesis: {provider: scripted, model: m, script: replies.yml}, tiny:}
stages:
  - {id: a, role: {name: n, type: judge, description: d, model_tier: synthesis}}
";
    assert_eq!(findings(text), []);
    let spec = parse("s", text).unwrap().spec;
    let tools: Vec<&str> = spec
        .safety_rules
        .iter()
        .map(armature_spec::SafetyRule::tool)
        .collect();
    assert_eq!(tools, ["shell", "shell", "*"]);
    assert_eq!(
        spec.model_tiers
            .iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>(),
        ["synthesis"]
    );
}

#[test]
fn a_subagent_may_fan_out_without_items() {
    assert_eq!(
        findings("name: x\nstages: [{id: a, subagent_spec: c.yml, fan_out: 3}]\n"),
        []
    );
}

#[test]
fn a_spec_survives_being_written_and_read_again() {
    let text = "
name: x
safety_rules: [{tool: t, action: block}, {plugin: p}]
skill_library: {s: {id: s, description: d, content: c}}
triggers: [{type: cron, schedule: '0 9 * * *'}, {type: webhook, path: /x}]
adapters: {a: {type: script, cmd: ls}}
stages: [{id: a, adapter: a, on_fail: {loop: {stage: a}}}]
";
    let spec = parse("s", text).unwrap().spec;
    let again: armature_spec::Spec =
        serde_json::from_value(serde_json::to_value(&spec).unwrap()).unwrap();
    assert_eq!(spec, again);
}

#[test]
fn what_the_stage_itself_says_may_be_left_out() {
    let text = "
name: x
stages: [{id: plan, role: {type: judge, description: d}, on_fail: {loop: {max: 2}}}]
";
    assert_eq!(findings(text), []);
    let stage = &parse("s", text).unwrap().spec.stages[0];
    assert_eq!(stage.role.as_ref().unwrap().name, "plan");
    assert_eq!(
        stage
            .on_fail
            .as_ref()
            .unwrap()
            .retry
            .as_ref()
            .unwrap()
            .stage,
        "plan"
    );
}

#[test]
fn the_other_spellings_of_a_rule_mean_the_same() {
    let text = "
name: x
safety_rules:
  - {tool: t, action: block, description: no, conditions: [{field: f, operator: starts_with, value: 'a.b'}]}
  - {tool: t, action: block, condition: {field: f, op: ends_with, value: '.sh'}}
stages: []
";
    assert_eq!(findings(text), []);
    let rules = parse("s", text).unwrap().spec.safety_rules;
    let conditions: Vec<(ConditionOp, String, String)> = rules
        .into_iter()
        .map(|rule| match rule {
            SafetyRule::Dsl(rule) => (rule.condition.unwrap(), rule.message),
            SafetyRule::Component(_) => panic!("not a plugin's"),
        })
        .map(|(condition, message)| (condition.op, condition.value, message))
        .collect();
    let wanted = [(r"\Aa\.b", "no"), (r"\.sh\z", "")];
    for ((op, value, message), (pattern, why)) in conditions.iter().zip(wanted) {
        assert_eq!(
            (*op, value.as_str(), message.as_str()),
            (ConditionOp::MatchesRegex, pattern, why)
        );
    }
}

#[test]
fn what_the_first_stages_read_counts_as_an_input() {
    let text = "
name: x
stages:
- {id: a, role: {type: worker, description: 'about {{ topic }}'}}
- {id: b, depends_on: [a], gate: human, signature: {input: {topic: t, other: o}}}
";
    let found = findings(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("`other`"));
}

#[test]
fn an_output_schema_that_takes_for_ever_to_check_is_refused() {
    let levels: Vec<String> = (0..40)
        .map(|level| {
            let next = format!("{{$ref: '#/$defs/a{}'}}", level + 1);
            format!("a{level}: {{allOf: [{next}, {next}]}}")
        })
        .collect();
    let text = format!(
        "name: x\nstages:\n- {{id: a, gate: human, output_schema: {{$ref: '#/$defs/a0', $defs: {{a40: {{}}, {}}}}}}}",
        levels.join(", ")
    );
    let found = findings(&text);
    assert!(
        found
            .iter()
            .any(|finding| finding.code == Code::InvalidOutputSchema
                && finding.message.contains("refer less often")),
        "{found:?}"
    );
}

#[test]
fn a_name_is_reported_only_where_it_is_sure_that_nothing_provides_it() {
    let found = |inputs: &str, text: &str| {
        let spec = format!(
            "name: x\ncontracts: {{inputs: [{inputs}]}}\nstages:\n- {{id: my-plan, gate: human}}\n- {{id: b, depends_on: [my-plan], gate: human, present: {text:?}}}\n"
        );
        let found = findings(&spec);
        assert!(
            found.iter().all(|f| f.code == Code::UndefinedName),
            "{found:?}"
        );
        found
    };
    for text in [
        "{{ topic }} {{ run_id }} {{ env.HOME }} {{ b }}",
        "{{ other | default('') }} {{ some.thing | default(1) }}",
        "{% if other %}{{ 1 }}{% endif %} {{ other or topic }} {{ x if x is defined }}",
        "{% for row in topic %}{{ row }} {{ loop.index }}{% endfor %}{% set y = 1 %}{{ y }}",
        "{{ range(3) | join }} {{ _anything }}",
    ] {
        assert_eq!(found("{name: topic}", text), [], "{text}");
    }
    // Without declared inputs any name may be one.
    assert_eq!(found("", "{{ other }}"), []);
    let wrong = found("{name: topic}", "{{ topik.x }} {{ topik }}");
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].hint.as_deref(), Some("did you mean `topic`?"));
    let dashed = found("{name: topic}", "{{ my-plan.content }}");
    assert_eq!(dashed.len(), 1, "{dashed:?}");
    assert!(
        dashed[0]
            .hint
            .as_ref()
            .unwrap()
            .contains("cannot say `my-plan`")
    );
}

#[test]
fn an_item_of_a_fan_out_and_what_an_adapter_is_given_are_known_names() {
    let text = "
name: x
contracts: {inputs: [{name: rows}]}
adapters: {a: {type: script, cmd: 'echo {{ row | sh }} {{ rows | sh }}'}}
stages:
- {id: s, adapter: a, fan_out: 2, partition_source: '{{ rows }}', partition_key: row}
- {id: t, depends_on: [s], tool_call: {name: t, args: {p: '{{ item }} {{ body }}'}}, fan_out: 2, partition_source: '{{ s }}', inject_file_as: body}
";
    assert_eq!(findings(text), []);
}

#[test]
fn schedules_and_paths_of_triggers_are_checked() {
    let wrong = |trigger: &str| {
        !findings(&format!("name: x\ntriggers: [{trigger}]\nstages: []\n")).is_empty()
    };
    for good in ["0 9 * * *", "*/5 * * * MON-FRI", "@daily", "0 0 1,15 * *"] {
        assert!(
            !wrong(&format!("{{type: cron, schedule: '{good}'}}")),
            "{good}"
        );
    }
    for bad in [
        "",
        "daily",
        "61 * * * *",
        "0 9 * *",
        "0 9 * * * *",
        "0 9 * * 9",
        "0 9 32 * *",
    ] {
        assert!(
            wrong(&format!("{{type: cron, schedule: '{bad}'}}")),
            "{bad}"
        );
    }
    for bad in ["", "x", "/a b", "/a?b=1", "/../x", "/a#b"] {
        assert!(wrong(&format!("{{type: webhook, path: '{bad}'}}")), "{bad}");
    }
    let twice = "{type: webhook, path: /a}, {type: webhook, path: /a}";
    assert!(wrong(twice));
}
