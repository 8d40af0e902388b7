//! A guest written as text.
//!
//! ```text
//! Guest::tool("(call $ok (i32.const 8) (i32.const 2))")      ;; what `call-tool` does; its result area is returned
//! ```
//!
//! The text may use `$ok` and `$fail` (a pointer and a length → the result of a tool), `$name`, `$name_len`, `$args` and
//! `$args_len` (its parameters), and two scratch locals `$i` and `$j`. Memory: 0–7 free, 8–255 constants, 256–319 the
//! result, 320–1023 free, 1024–65535 data of the guest, from 65536 the heap.

use crate::wit;

const TOOLS: &str = "armature:plugin/tools@0.1.0";

/// A core module in the making.
#[derive(Clone)]
pub struct Guest {
    world: &'static str,
    imports: String,
    memory: String,
    items: String,
    realloc: String,
    list: String,
    call: String,
    after: Option<String>,
    adapter: String,
    rule: String,
}

impl Guest {
    /// A plugin with one tool, `t`, that does this.
    pub fn tool(call: &str) -> Self {
        Self {
            world: "tool",
            imports: String::new(),
            memory: "(memory (export \"memory\") 2)".into(),
            items: String::new(),
            realloc: BUMP.into(),
            list: "(call $one_tool)".into(),
            call: call.into(),
            after: None,
            adapter: String::new(),
            rule: String::new(),
        }
    }

    /// A tool that answers with its arguments.
    pub fn echo() -> Self {
        Self::tool("(call $ok (local.get $args) (local.get $args_len))")
    }

    /// An adapter that does this; the text returns the result area.
    pub fn adapter(run: &str) -> Self {
        Self {
            world: "adapter",
            adapter: run.into(),
            ..Self::tool("")
        }
    }

    /// A rule that does this; the text returns the verdict's area.
    pub fn rule(check: &str) -> Self {
        Self {
            world: "rule",
            rule: check.into(),
            ..Self::tool("")
        }
    }

    /// One more import: interface (`log`, or with its package), function, and its core type.
    #[must_use]
    pub fn import(mut self, interface: &str, function: &str, name: &str, signature: &str) -> Self {
        let interface = if interface.contains(':') {
            interface.to_owned()
        } else {
            format!("armature:plugin/{interface}@0.1.0")
        };
        self.imports +=
            &format!("(import \"{interface}\" \"{function}\" (func ${name} {signature}))\n");
        self
    }

    /// Anything else that a module may have: functions, globals, tables.
    #[must_use]
    pub fn item(mut self, text: &str) -> Self {
        self.items += text;
        self.items.push('\n');
        self
    }

    /// Bytes at an address.
    #[must_use]
    pub fn data(self, at: usize, bytes: &[u8]) -> Self {
        let text: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        self.item(&format!("(data (i32.const {at}) \"{text}\")"))
    }

    /// Another memory than the usual two pages.
    #[must_use]
    pub fn memory(mut self, limits: &str) -> Self {
        self.memory = format!("(memory (export \"memory\") {limits})");
        self
    }

    /// Another allocator: a body with `$new` bytes wanted.
    #[must_use]
    pub fn realloc(mut self, body: &str) -> Self {
        self.realloc = body.into();
        self
    }

    /// What `list-tools` does; it returns the address of pointer and length.
    #[must_use]
    pub fn listing(mut self, body: &str) -> Self {
        self.list = body.into();
        self
    }

    /// What happens after `call-tool` has returned.
    #[must_use]
    pub fn after(mut self, body: &str) -> Self {
        self.after = Some(body.into());
        self
    }

    /// The component.
    pub fn build(&self) -> Vec<u8> {
        let (resolve, world) = wit::world(self.world);
        let module =
            wat::parse_str(self.text()).unwrap_or_else(|why| panic!("{why}\n{}", self.text()));
        wit::component(module, &resolve, world)
    }

    /// A component with typed exports: the WIT of one world, and a core module for it.
    pub fn typed(wit: &str, module: &str) -> Vec<u8> {
        wit::typed(wit, module)
    }

    /// The same component with the documentation comments of this WIT in it, as other tools leave them there.
    pub fn documented(wit: &str, component: &[u8]) -> Vec<u8> {
        wit::documented(wit, component)
    }

    /// The core module as text.
    fn text(&self) -> String {
        let exports = match self.world {
            "adapter" => format!(
                "(func (export \"armature:plugin/adapter-api@0.1.0#run\")
                   (param $config i32) (param $config_len i32) (param $context i32) (param $context_len i32) (result i32)
                   (local $i i32) (local $j i32) {})",
                self.adapter
            ),
            // More than sixteen values: the event comes as an address.
            "rule" => format!(
                "(func (export \"armature:plugin/rule-api@0.1.0#check\") (param $event i32) (result i32)
                   (local $i i32) (local $j i32) {})",
                self.rule
            ),
            _ => {
                let after = self.after.as_ref().map_or_else(String::new, |body| {
                    format!("(func (export \"cabi_post_{TOOLS}#call-tool\") (param $area i32) {body})")
                });
                format!(
                    "(func (export \"{TOOLS}#list-tools\") (result i32) (local $i i32) (local $j i32) {})
                     (func $call (export \"{TOOLS}#call-tool\")
                       (param $name i32) (param $name_len i32) (param $args i32) (param $args_len i32)
                       (param i32 i32 i32 i32 i32 i32 i64) (result i32) (local $i i32) (local $j i32) {})
                     {after}",
                    self.list, self.call
                )
            }
        };
        format!(
            "(module
               {imports}
               {memory}
               (global $heap (mut i32) (i32.const 65536))
               {items}
               (func (export \"cabi_realloc\") (param $old i32) (param $old_len i32) (param $align i32) (param $new i32)
                 (result i32) {realloc})
               {COMMON}
               {exports})",
            imports = self.imports,
            memory = self.memory,
            items = self.items,
            realloc = self.realloc,
        )
    }
}

/// Never gives back: a call is short.
const BUMP: &str = "(local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then
        (if (i32.eq
              (memory.grow (i32.div_u (i32.add (local.get $new) (i32.const 131072)) (i32.const 65536)))
              (i32.const -1))
          (then unreachable))))
    (local.get $at)";

/// Results of tools, and a list of the one tool `t`.
const COMMON: &str = r#"
    (data (i32.const 8) "null")
    (data (i32.const 16) "t")
    (data (i32.const 24) "{}")
    (func $ok (param $at i32) (param $len i32) (result i32)
      (i32.store8 (i32.const 256) (i32.const 0))
      (i32.store (i32.const 260) (local.get $at))
      (i32.store (i32.const 264) (local.get $len))
      (i32.const 256))
    ;; The case of `tool-error`: 0 unknown-tool, 1 invalid-arguments, 2 denied, 3 not-found, 4 unavailable, 5 timeout, 6 failed.
    (func $error (param $case i32) (param $at i32) (param $len i32) (result i32)
      (i32.store8 (i32.const 256) (i32.const 1))
      (i32.store8 (i32.const 260) (local.get $case))
      (i32.store (i32.const 264) (local.get $at))
      (i32.store (i32.const 268) (local.get $len))
      (i32.const 256))
    (func $fail (param $at i32) (param $len i32) (result i32)
      (call $error (i32.const 6) (local.get $at) (local.get $len)))
    (func $null (result i32) (call $ok (i32.const 8) (i32.const 4)))
    (func $one_tool (result i32)
      ;; name, description, input-schema
      (i32.store (i32.const 400) (i32.const 16)) (i32.store (i32.const 404) (i32.const 1))
      (i32.store (i32.const 408) (i32.const 16)) (i32.store (i32.const 412) (i32.const 1))
      (i32.store (i32.const 416) (i32.const 24)) (i32.store (i32.const 420) (i32.const 2))
      ;; no output-schema; effect, reversibility, idempotent are 0
      (i32.store (i32.const 424) (i32.const 0)) (i32.store (i32.const 436) (i32.const 0))
      (i32.store (i32.const 256) (i32.const 400)) (i32.store (i32.const 260) (i32.const 1))
      (i32.const 256))
    ;; Text of which only the alphabet is known, as a JSON string: quotes around what is there.
    (func $quoted (param $at i32) (param $len i32) (result i32)
      (local $to i32)
      (local.set $to (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $to) (i32.const 34))
      (i32.store8 (i32.add (local.get $at) (local.get $len)) (i32.const 34))
      (call $ok (local.get $to) (i32.add (local.get $len) (i32.const 2))))
"#;
