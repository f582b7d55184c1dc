use super::*;

fn tree(text: &str) -> Result<Node, Vec<Diagnostic>> {
    parse(&SourceFile::new("a.yaml".to_owned(), text.to_owned()))
}

fn show(node: &Node) -> String {
    match &node.kind {
        Kind::Text(text) => format!("{}", text.value),
        Kind::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(",")),
        Kind::Map(entries) => {
            let inner: Vec<_> =
                entries.iter().map(|entry| format!("{}={}", entry.key, show(&entry.value))).collect();
            format!("{{{}}}", inner.join(","))
        }
    }
}

#[test]
fn scalars_keep_their_text() {
    let node =
        tree("a: 0.10\nb: NO\nc: 010\nd: 1e5\ne: \"x\\ty\"\nf: 'it''s'\ng: +33\n").expect("plain YAML");
    assert_eq!(show(&node), "{a=0.10,b=NO,c=010,d=1e5,e=x\ty,f=it's,g=+33}");
}

#[test]
fn positions_are_those_of_the_file() {
    let node = tree("# é\nwhen:\n  é.b: { gte: \"10\" }\nlist: [ab, c]\n").expect("plain YAML");
    let Kind::Map(entries) = &node.kind else { panic!("a map") };
    assert_eq!(entries[0].key_span, Span { line: 2, column: 1, width: 4 });
    let Kind::Map(inner) = &entries[0].value.kind else { panic!("a map") };
    assert_eq!(inner[0].key_span, Span { line: 3, column: 3, width: 3 });
    let Kind::Map(operators) = &inner[0].value.kind else { panic!("a map") };
    assert_eq!(operators[0].value.span, Span { line: 3, column: 15, width: 4 });
    let Kind::List(items) = &entries[1].value.kind else { panic!("a list") };
    assert_eq!((items[0].span, items[1].span.column), (Span { line: 4, column: 8, width: 2 }, 12));
}

#[test]
fn what_a_policy_does_without_is_refused_where_it_stands() {
    let deep = "[".repeat(33) + &"]".repeat(33);
    let cases = [
        ("a: &x 1\n", Code::YamlFeature, 1),
        ("a: *x\n", Code::YamlFeature, 1),
        ("a: 1\nb: !!str 2\n", Code::YamlFeature, 2),
        ("a: 1\nb:\n  <<: {c: 1}\n", Code::YamlFeature, 3),
        ("a: 1\n---\nb: 2\n", Code::YamlFeature, 2),
        ("%YAML 1.2\n---\na: 1\n", Code::YamlFeature, 2),
        ("a: 1\nb: 2\na: 3\n", Code::DuplicateKey, 3),
        ("b: 1\na: [1, 2\n", Code::YamlSyntax, 2),
        ("a:\n\tb: 2\n", Code::YamlSyntax, 2),
        ("? [a]\n: b\n", Code::WrongShape, 1),
        ("", Code::Empty, 1),
        ("# only words\n", Code::Empty, 1),
        (deep.as_str(), Code::Limit, 1),
    ];
    for (text, code, line) in cases {
        let faults = tree(text).expect_err(text);
        assert_eq!((faults[0].code, faults[0].line), (code, line), "{text:?}: {faults:?}");
    }
}

#[test]
fn every_double_key_is_found() {
    let faults = tree("a: 1\na: 2\nb: {c: 1, c: 2}\n").expect_err("two faults");
    let mut lines: Vec<_> = faults.iter().map(|fault| fault.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [2, 3]);
}

#[test]
fn bombs_are_stopped() {
    let aliases = "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n";
    assert_eq!(tree(aliases).expect_err("anchors")[0].code, Code::YamlFeature);
    let braces = "{a: ".repeat(100_000);
    assert!(tree(&braces).is_err());
    let dashes = "- ".repeat(100_000);
    assert!(tree(&dashes).is_err());
    let many = "- x\n".repeat(NODES_MAX + 1);
    assert_eq!(tree(&many).expect_err("too many")[0].code, Code::Limit);
}
