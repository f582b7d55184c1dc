use crate::policy::sample::{Asking, line, request, scope_bundle};

/// The reason for a request with these fields under a schema of these lines.
fn reason(schema: &str, fields: &[(&str, &str)]) -> String {
    let bundle = scope_bundle(&format!("scopes: [a:b]\n{schema}\notherwise: block\n"));
    line(&bundle.decide_alone(&request("a:b").with_metadata(fields)))
}

fn check(schema: &str, fields: &[(&str, &str)], expected: &str) {
    let expected = format!("block / - / {expected}");
    assert_eq!(reason(schema, fields), expected, "{schema} {fields:?}");
}

#[test]
fn decimals_are_plain_and_within_their_bounds() {
    let schema = "metadata: { amount: { type: decimal, min: '0.01', max: 500, max_scale: 2 } }";
    for text in ["0.01", "500", "500.00", "1.1"] {
        check(schema, &[("amount", text)], "otherwise");
    }
    for text in ["1e2", "+1", "-1", "01", "1,5", "1_0", " 1", "1.", ".5", "NaN", "abc"] {
        check(schema, &[("amount", text)], "metadata.amount: not a decimal");
    }
    check(schema, &[("amount", "99999999999999999999999999999999")], "metadata.amount: not a decimal");
    check(schema, &[("amount", "0.00")], "metadata.amount: too small");
    check(schema, &[("amount", "500.01")], "metadata.amount: too large");
    check(schema, &[("amount", "1.000")], "metadata.amount: too many digits after the point");
    check(schema, &[], "metadata.amount: missing");
    check(schema, &[("amount", "")], "metadata.amount: missing");
}

#[test]
fn texts_are_normalised_and_then_judged() {
    let schema = "metadata: { payee: { type: string, normalise: [trim, upper, strip_spaces], matches: '[A-Z0-9]+', max_chars: 4 } }";
    check(schema, &[("payee", " d e 1 ")], "otherwise");
    check(schema, &[("payee", "de-1")], "metadata.payee: not of the form that it must have");
    check(schema, &[("payee", "de123")], "metadata.payee: too long");
    check(schema, &[("payee", "   ")], "metadata.payee: missing");
    let schema = "metadata: { c: { type: string, normalise: lower, one_of: [usd, eur] } }";
    check(schema, &[("c", "USD")], "otherwise");
    check(schema, &[("c", "GBP")], "metadata.c: not one of the values that it may have");
}

#[test]
fn length_is_counted_in_characters_of_the_normal_form() {
    let schema = "metadata: { a: { type: string, max_chars: 2, normalise: upper } }";
    check(schema, &[("a", "éé")], "otherwise");
    check(schema, &[("a", "ßé")], "metadata.a: too long");
}

#[test]
fn the_schema_is_closed_and_never_repeats_what_was_sent() {
    let schema = "metadata: { a: { type: string, optional: true } }";
    check(schema, &[], "otherwise");
    check(schema, &[("a", "")], "otherwise");
    check(schema, &[("33612345678", "x")], "metadata: a field that this scope does not have");
    check(schema, &[("a", "x"), ("b", "")], "metadata: a field that this scope does not have");
    check("description: no metadata", &[("a", "x")], "metadata: a field that this scope does not have");
}

#[test]
fn the_reserved_field_may_be_long_and_is_masked() {
    let bundle = scope_bundle(
        "scopes: [a:b]
metadata: { identifier: { type: string } }
rules: [{ id: r, when: { metadata.identifier: { ends_with: .org } }, then: block }]
otherwise: block
",
    );
    let address = format!("{}@example.org", "u".repeat(200));
    let decision = bundle.decide_alone(&request("a:b").with_metadata(&[("identifier", &address)]));
    assert_eq!(decision.seen.values_json, r#"{"metadata.identifier":"u***@example.org"}"#);
    assert_eq!(decision.seen.outcomes, "1");
}
