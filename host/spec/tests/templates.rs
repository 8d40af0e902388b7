//! What templates promise.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use armature_spec::{EnvStyle, Template, ValueTemplate};
use serde_json::{Value, json};

fn text(template: &str, ctx: &Value) -> String {
    Template::compile(template)
        .unwrap()
        .text(ctx, EnvStyle::Literal)
        .unwrap()
}

fn value(template: &str, ctx: &Value) -> Value {
    Template::compile(template)
        .unwrap()
        .value(ctx, EnvStyle::Literal)
        .unwrap()
}

fn truthy(template: &str, ctx: &Value) -> bool {
    Template::compile(template).unwrap().truthy(ctx)
}

#[test]
fn a_value_that_looks_like_a_template_stays_a_value() {
    let attack = "{{ 7*7 }}{% for x in range(9) %}{{ x }}{% endfor %}{{ env.KEY }}";
    let ctx = json!({ "topic": attack, "nested": { "list": [attack] } });
    assert_eq!(text("about {{ topic }}", &ctx), format!("about {attack}"));
    assert_eq!(value("{{ topic }}", &ctx), json!(attack));
    assert_eq!(value("{{ nested }}", &ctx), json!({ "list": [attack] }));
    let tree =
        ValueTemplate::compile(&json!({ "a": ["{{ topic }}"], "b": { "c": "x {{ topic }}" } }))
            .unwrap();
    assert_eq!(
        tree.render(&ctx, EnvStyle::Literal).unwrap(),
        json!({ "a": [attack], "b": { "c": format!("x {attack}") } })
    );
}

#[test]
fn there_is_nothing_to_reach_from_inside_a_template() {
    let ctx = json!({ "x": "text", "m": { "k": 1 } });
    for template in [
        "{{ x.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.__class__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ range.__globals__ }}",
        "{{ m.__init__ }}",
        "{{ self }}",
        "{{ config }}",
        "{{ debug() }}",
        "{{ lipsum.__globals__['os'] }}",
        "{{ namespace.__init__ }}",
        "{{ ().__class__.__bases__ }}",
        "{{ x|attr('__class__') }}",
    ] {
        let outcome = Template::compile(template).and_then(|t| t.text(&ctx, EnvStyle::Literal));
        if let Ok(shown) = outcome {
            assert_eq!(shown, "", "{template}");
        }
    }
    for template in [
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% from 'x' import y %}",
    ] {
        assert!(Template::compile(template).is_err(), "{template}");
    }
}

#[test]
fn keys_that_are_also_names_of_methods_are_found_and_the_methods_still_work() {
    let ctx = json!({ "x": { "items": [1, 2], "keys": "k", "values": null, "get": true, "pop": 5, "update": "u" } });
    assert_eq!(value("{{ x.items }}", &ctx), json!([1, 2]));
    assert_eq!(
        text("{{ x.keys }}{{ x.get }}{{ x.pop }}{{ x.update }}", &ctx),
        "kTrue5u"
    );
    assert_eq!(
        text("{% for k, v in x.items() %}{{ k }},{% endfor %}", &ctx),
        "items,keys,values,get,pop,update,"
    );
    assert_eq!(
        text(
            "{{ x.get('pop') }}{{ x.get('no', 'd') }}{{ x.keys()|first }}",
            &ctx
        ),
        "5ditems"
    );
    let plain = json!({ "x": { "a": 1 } });
    assert_eq!(
        text("{{ x.items() | length }}{{ x.values()|join }}", &plain),
        "11"
    );
}

#[test]
fn a_single_expression_keeps_its_type_and_no_other_text_is_guessed() {
    let ctx = json!({ "n": 3, "f": 0.5, "b": true, "l": [1, { "a": null }], "o": { "z": 1, "a": 2 }, "s": "123", "none": null });
    assert_eq!(value("{{ n }}", &ctx), json!(3));
    assert_eq!(value("{{- f -}}", &ctx), json!(0.5));
    assert_eq!(value("{{ b }}\n", &ctx), json!(true));
    assert_eq!(value("{{ l }}", &ctx), json!([1, { "a": null }]));
    assert_eq!(value("{{ o }}", &ctx).to_string(), r#"{"z":1,"a":2}"#);
    assert_eq!(value("{{ s }}", &ctx), json!("123"));
    assert_eq!(value("{{ none }}", &ctx), json!(null));
    assert_eq!(value("{{ missing }}", &ctx), json!(null));
    assert_eq!(value("{{ 5 }}", &ctx), json!(5));
    assert_eq!(value("{{ [n, 'x'] }}", &ctx), json!([3, "x"]));
    assert_eq!(
        value("{{ {'a': {'b': n}} }}", &ctx),
        json!({ "a": { "b": 3 } })
    );
    assert_eq!(value("{{ n + 1 if b else 0 }}", &ctx), json!(4));
    assert_eq!(value("{{ l | length }}", &ctx), json!(2));
    // Not single expressions: texts, whatever they look like.
    assert_eq!(value("{{ n }}{{ n }}", &ctx), json!("33"));
    assert_eq!(value("{{ n }} ", &ctx), json!(3));
    assert_eq!(value(" {{ s }} ", &ctx), json!(" 123 "));
    assert_eq!(value("[1, {{ n }}]", &ctx), json!("[1, 3]"));
    assert_eq!(value("True", &ctx), json!("True"));
    assert_eq!(value("{% if b %}{{ n }}{% endif %}", &ctx), json!("3"));
}

#[test]
fn missing_names_are_nothing_at_any_depth() {
    let ctx = json!({ "x": { "a": 1 } });
    assert_eq!(
        text("[{{ missing }}{{ missing.a.b['c'][0] }}{{ x.b.c }}]", &ctx),
        "[]"
    );
    assert_eq!(
        text("{% for i in missing.list %}x{% endfor %}ok", &ctx),
        "ok"
    );
    assert_eq!(text("{{ missing.a | default('d') }}", &ctx), "d");
    assert_eq!(
        text("{{ missing is defined }} {{ x.a is defined }}", &ctx),
        "False True"
    );
}

#[test]
fn the_truth_table_of_conditions() {
    let ctx = json!({ "x": 5, "t": true, "s": " YES\n", "one": 1, "two": 2, "none": null });
    for template in [
        "true",
        "True",
        "1",
        "yes",
        " YES ",
        "{{1}}",
        "{{ x>3 }}",
        "{{ t }}",
        "{{ s }}",
        "{{ one }}",
        "{{ x == 5 and t }}",
    ] {
        assert!(truthy(template, &ctx), "{template}");
    }
    for template in [
        "",
        "false",
        "no",
        "0",
        "{{missing}}",
        "{{missing.a.b}}",
        "{{[1]}}",
        "{{2}}",
        "x > 3",
        "{{ two }}",
        "{{ none }}",
        "{{ missing > 3 }}",
        "{{ missing < 3 }}",
        "{{ 3 < missing }}",
        "{{ 3 > missing }}",
        "{{ missing.a >= 0 }}",
        "{{ missing <= missing }}",
        "{{ none < 3 }}",
        "{{ missing == 3 }}",
        "{{ x is lt(missing) }}",
    ] {
        assert!(!truthy(template, &ctx), "{template}");
    }
    assert!(truthy("{{ missing < 3 or x > 3 }}", &ctx));
}

#[test]
fn a_text_is_not_compared_with_a_number_in_silence() {
    let ctx = json!({ "score": "0.5" });
    let template = Template::compile("{{ score > 0.8 }}").unwrap();
    let why = template.try_truthy(&ctx).unwrap_err();
    assert!(
        why.message
            .contains("string cannot be compared with a number"),
        "{why}"
    );
    assert!(!template.truthy(&ctx));
    assert!(!truthy("{{ score|float > 0.8 }}", &ctx));
    assert!(truthy("{{ score|float < 0.8 }}", &ctx));
}

#[test]
fn values_print_as_a_prompt_wants_them() {
    let ctx = json!({ "none": null, "b": true, "f": 1.0, "o": { "b": [1, "x"], "a": null } });
    assert_eq!(
        text("[{{ none }}] {{ b }} {{ f }} {{ o }}", &ctx),
        r#"[] True 1.0 {"b":[1,"x"],"a":null}"#
    );
}

#[test]
fn the_usual_filters_and_methods_are_there() {
    let ctx = json!({ "l": ["b", "a"], "s": " Ab ", "o": { "k": "<é>" }, "n": "3" });
    for (template, wanted) in [
        ("{{ l | join(', ') }}", "b, a"),
        ("{{ l | sort | first }}", "a"),
        ("{{ s | trim | upper }}", "AB"),
        ("{{ s.strip().lower() }}", "ab"),
        ("{{ s | length }}", "4"),
        ("{{ n | int + 1 }}", "4"),
        ("{{ o.k | replace('<', '(') }}", "(é>"),
        ("{{ 'a,b'.split(',')[1] }}", "b"),
        ("{{ l | map('upper') | list | tojson }}", r#"["B", "A"]"#),
        ("{{ x | default('none yet') }}", "none yet"),
        ("{% set y = l | length %}{{ y }}", "2"),
        (
            "{% for i in l if i != 'b' %}{{ loop.index }}{{ i }}{% endfor %}",
            "1a",
        ),
        ("{% raw %}{{ a < b }}{% endraw %}", "{{ a < b }}"),
    ] {
        assert_eq!(text(template, &ctx), wanted, "{template}");
    }
    assert_eq!(
        serde_json::from_str::<Value>(&text("{{ o | tojson }}", &ctx)).unwrap(),
        ctx["o"]
    );
}

#[test]
fn the_filters_of_jinja_are_there_by_place_and_by_name() {
    let ctx = json!({ "s": "one two three four", "n": 12345678 });
    for (template, wanted) in [
        ("{{ s | truncate(10) }}", "one..."),
        ("{{ s | truncate(10, True) }}", "one two..."),
        (
            "{{ s | truncate(length=10, killwords=true, end='!') }}",
            "one two t!",
        ),
        ("{{ s | truncate(14) }}", "one two three four"),
        ("{{ s | truncate(14, leeway=0) }}", "one two..."),
        ("{{ n | truncate(6, true, '', 0) }}", "123456"),
        ("{{ missing | truncate(3) }}", ""),
        ("{{ s | wordcount }}", "4"),
        ("{{ s | wordwrap(9) }}", "one two\nthree\nfour"),
        (
            "{{ 'abcdef g' | wordwrap(width=4, wrapstring='/') }}",
            "abcd/ef g",
        ),
        ("{{ 'a' | center(5) }}|", "  a  |"),
        ("{{ '<b>x &amp; y</b>' | striptags }}", "x & y"),
        ("{{ n | filesizeformat }}", "12.3 MB"),
        (
            "{% set j = joiner('; ') %}{% for i in range(3) %}{{ j() }}{{ i }}{% endfor %}",
            "0; 1; 2",
        ),
    ] {
        assert_eq!(text(template, &ctx), wanted, "{template}");
    }
    for too_much in [
        "{{ s | center(100000000) }}",
        "{{ (s * 1000) | wordwrap(1, wrapstring=('x' * 100000)) }}",
        "{{ s | truncate(2) }}",
    ] {
        let made = Template::compile(too_much).unwrap();
        assert!(made.text(&ctx, EnvStyle::Literal).is_err(), "{too_much}");
    }
    // It would make another prompt each time.
    let random = Template::compile("{{ s | random }}").unwrap_err();
    assert_eq!(random.message, "there is no filter `random`");
}

#[test]
fn a_name_that_is_set_in_one_branch_is_still_taken_from_the_context_in_the_other() {
    let template = "{% if no %}{% set topic = 'a' %}{% endif %}{{ topic }}";
    assert_eq!(text(template, &json!({ "topic": "given" })), "given");
}

#[test]
fn environment_variables_are_placeholders_or_themselves_and_never_values() {
    let ctx = json!({});
    let placeholder = |name: &str| format!("<<{name}>>");
    let style = EnvStyle::Placeholder(&placeholder);
    let template = Template::compile("Bearer {{ env.API_KEY }}").unwrap();
    assert_eq!(template.text(&ctx, style).unwrap(), "Bearer <<API_KEY>>");
    assert_eq!(
        template.text(&ctx, EnvStyle::Literal).unwrap(),
        "Bearer {{ env.API_KEY }}"
    );
    for same in [
        "{{ env['API_KEY'] }}",
        "{{ env.get('API_KEY') }}",
        "{{ env.API_KEY | default('x') }}",
    ] {
        let template = Template::compile(same).unwrap();
        let shown = template.text(&ctx, style).unwrap();
        assert!(
            shown == "<<API_KEY>>" || shown == "{{ env.API_KEY }}",
            "{same} gave {shown}"
        );
    }
    let tree =
        ValueTemplate::compile(&json!({ "headers": { "Authorization": "Bearer {{ env.K }}" } }))
            .unwrap();
    assert_eq!(
        tree.render(&ctx, style).unwrap(),
        json!({ "headers": { "Authorization": "Bearer <<K>>" } })
    );
    // Without a name there is nothing to show.
    assert_eq!(
        text(
            "{% for k in env %}{{ k }}{% endfor %}{{ env | list }}",
            &ctx
        )
        .replace("[]", ""),
        ""
    );
}

#[test]
fn work_without_end_is_stopped() {
    let started = std::time::Instant::now();
    let ctx = json!({ "n": 99999 });
    for template in [
        "{% for a in range(n) %}{% for b in range(n) %}{% for c in range(n) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{{ 'x' * 10000000000 }}",
        "{{ ('x' * 1000000) | replace('x', 'y' * 1000) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ [1] * 100000000000 }}",
        "{{ range(99999999999) | list }}",
        "{{ 'x' | indent(99999999999) }}",
        "{{ 9 ** 999999999 }}",
    ] {
        let outcome = Template::compile(template)
            .unwrap()
            .text(&ctx, EnvStyle::Literal);
        assert!(
            outcome.is_err(),
            "{template} gave {} bytes",
            outcome.unwrap().len()
        );
    }
    assert!(
        started.elapsed().as_secs() < 60,
        "took {:?}",
        started.elapsed()
    );
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    for template in [
        format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("{{{{ {}1{} }}}}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("{{{{ x{} }}}}", "|upper".repeat(190)),
        format!(
            "{}{}",
            "{% if x %}".repeat(5_000),
            "{% endif %}".repeat(5_000)
        ),
        format!("{{{{ {}1 }}}}", "1 < ".repeat(5_000)),
        format!("{{{{ {}x }}}}", "not ".repeat(5_000)),
        format!("{{{{ {}x }}}}", "-".repeat(5_000)),
        format!("{{{{ {}x", "-".repeat(50_000)),
        format!("{{{{ {}1 }}}}", "1 + ".repeat(50_000)),
        format!("{{{{ {}1 }}}}", "1 + ".repeat(190)),
        format!("{{{{ {}1 }}}}", "1 ** ".repeat(190)),
        format!("{{{{ {}1 }}}}", "a and ".repeat(190)),
        format!("{{{{ {}1 }}}}", "a if b else ".repeat(190)),
        format!("{{{{ {}x{} }}}}", "(".repeat(60), ")".repeat(60)),
        format!("{{{{ x{} }}}}", ".a".repeat(190)),
        format!("{{% if x %}}{}{{% endif %}}", "{% elif y %}z".repeat(5_000)),
        format!(
            "{}{}",
            "{% for x in y %}".repeat(5_000),
            "{% endfor %}".repeat(5_000)
        ),
        "{{".repeat(10_000),
        "{% raw %}".repeat(10_000),
        "{#".repeat(10_000),
    ] {
        let _ = Template::compile(&template).map(|t| t.text(&json!({}), EnvStyle::Literal));
    }
}

#[test]
fn mistakes_are_found_when_compiling() {
    for (template, says) in [
        ("{{ x", "end of"),
        ("{% if x %}", "end of"),
        ("a\nb {{ x | nosuch }}", "no filter `nosuch`"),
        ("{{ x is nosuch }}", "no test"),
        ("{{ 1 + }}", "unexpected"),
        ("{% nosuch %}", "unknown statement"),
    ] {
        let why = Template::compile(template).unwrap_err();
        assert!(why.message.contains(says), "{template}: {why}");
    }
    assert_eq!(
        Template::compile("a\nb {{ 1 + }}").unwrap_err().line,
        Some(2)
    );
}

#[test]
fn a_nested_argument_that_fails_says_where_it_is() {
    let why = ValueTemplate::compile(&json!({ "headers": [{ "a": "{{ x" }] })).unwrap_err();
    assert!(
        why.message.starts_with("at `headers[0].a`: ")
            || why.message.starts_with("at `headers.[0].a`: "),
        "{why}"
    );
    let tree = ValueTemplate::compile(&json!({ "a": { "b": "{{ 'x' + 1 }}" } })).unwrap();
    let why = tree.render(&json!({}), EnvStyle::Literal).unwrap_err();
    assert!(why.message.starts_with("at `a.b`: "), "{why}");
}

#[test]
fn only_the_names_in_a_template_are_taken_from_the_context() {
    let template = Template::compile("{{ a.b | join(c) }} text d").unwrap();
    let names: Vec<&str> = template.names().collect();
    assert!(
        names.contains(&"a") && names.contains(&"c") && !names.contains(&"d"),
        "{names:?}"
    );
    assert!(Template::compile("color {#fff} { a }").unwrap().is_plain());
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    let ctx = json!({ "o": { "z": 1, "a": 2, "m": [3] } });
    let template = Template::compile("{{ o }}{% for k in o %}{{ k }}{% endfor %}").unwrap();
    let first = template.text(&ctx, EnvStyle::Literal).unwrap();
    assert_eq!(first, r#"{"z":1,"a":2,"m":[3]}zam"#);
    assert_eq!(template.text(&ctx, EnvStyle::Literal).unwrap(), first);
}

#[test]
fn what_a_plan_holds_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + std::fmt::Debug>() {}
    shared::<Template>();
    shared::<ValueTemplate>();
    shared::<armature_spec::Document>();
    shared::<armature_spec::Findings>();
    shared::<armature_spec::Pattern>();
}

#[test]
fn a_value_inserted_into_a_prompt_may_be_megabytes_long() {
    let document = "line of text\n".repeat(200_000);
    let ctx = json!({ "document": document });
    assert_eq!(
        text("Read:\n{{ document }}", &ctx).len(),
        document.len() + 6
    );
    assert_eq!(value("{{ document }}", &ctx), json!(document));
}

#[test]
fn the_filter_sh_makes_one_word_of_whatever_a_value_holds() {
    let template = armature_spec::Template::compile("cat {{ x | sh }}").unwrap();
    let of = |value: serde_json::Value| {
        let context = serde_json::json!({ "x": value });
        template
            .text(&context, armature_spec::EnvStyle::Literal)
            .unwrap()
    };
    for (value, expected) in [
        (serde_json::json!("notes/a-1.md"), "cat notes/a-1.md"),
        (serde_json::json!("; rm -rf ~"), "cat '; rm -rf ~'"),
        (serde_json::json!("$(id) `id`"), "cat '$(id) `id`'"),
        (serde_json::json!("it's"), "cat 'it'\\''s'"),
        (serde_json::json!("a\nb"), "cat 'a\nb'"),
        (serde_json::json!(""), "cat ''"),
        (serde_json::json!(null), "cat ''"),
        (serde_json::json!(3), "cat 3"),
        (serde_json::json!(["a b", "c"]), "cat 'a b' c"),
        (serde_json::json!({"k": "v w"}), "cat '{\"k\":\"v w\"}'"),
    ] {
        assert_eq!(of(value), expected);
    }
}
