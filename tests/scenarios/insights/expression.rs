//! Expressions and aggregates.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::Row;

/// An expression of `fields`, `filter` and within aggregates.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Field(String),
    Constant(Value),
    Call(String, Vec<Expression>),
    Operator(&'static str, Box<Expression>, Box<Expression>),
    In(Box<Expression>, Vec<Value>, bool),
    Not(Box<Expression>),
}

pub(super) fn evaluate(expression: &Expression, row: &Row) -> Value {
    match expression {
        Expression::Field(name) => row.get(name).cloned().unwrap_or_default(),
        Expression::Constant(value) => value.clone(),
        Expression::Not(inner) => json!(!is_true(&evaluate(inner, row))),
        Expression::In(inner, values, expected) => {
            let value = evaluate(inner, row);
            json!(!value.is_null() && values.contains(&value) == *expected)
        }
        Expression::Call(name, arguments) => {
            let values: Vec<_> = arguments.iter().map(|argument| evaluate(argument, row)).collect();
            match (name.as_str(), values.as_slice()) {
                ("ispresent", [value]) => json!(!value.is_null()),
                ("coalesce", values) => values.iter().find(|it| !it.is_null()).cloned().unwrap_or_default(),
                ("strcontains", [Value::String(text), Value::String(part)]) => {
                    json!(i32::from(text.contains(part.as_str())))
                }
                ("strcontains", [Value::Null, _]) => Value::Null,
                ("like", [Value::String(text), Value::String(part)]) => json!(text.contains(part.as_str())),
                ("like", [Value::Null, _]) => json!(false),
                (other, values) => panic!("no such function: {other} of {values:?}"),
            }
        }
        Expression::Operator(operator, left, right) => {
            let (left, right) = (evaluate(left, row), evaluate(right, row));
            let number = |value: &Value| value.as_f64().unwrap();
            match *operator {
                "and" => json!(is_true(&left) && is_true(&right)),
                "or" => json!(is_true(&left) || is_true(&right)),
                "+" => json!(number(&left) + number(&right)),
                "-" => json!(number(&left) - number(&right)),
                // A comparison with what is not there holds never.
                operator => json!(compare(&left, &right).is_some_and(|order| match operator {
                    "=" => order.is_eq(),
                    "!=" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    ">=" => order.is_ge(),
                    other => panic!("no such operator: {other}"),
                })),
            }
        }
    }
}

pub(super) fn aggregate(function: &str, argument: Option<&Expression>, rows: &[&Row]) -> Value {
    let Some(argument) = argument else {
        assert_eq!(function, "count");
        return json!(rows.len());
    };
    let of = |row: &&Row| Some(evaluate(argument, row)).filter(|value| !value.is_null());
    let values: Vec<_> = rows.iter().filter_map(of).collect();
    let numbers = || values.iter().map(|value| value.as_f64().unwrap());
    match function {
        "count" => json!(values.len()),
        "count_distinct" => {
            let mut distinct: Vec<_> = values.iter().map(Value::to_string).collect();
            distinct.sort_unstable();
            distinct.dedup();
            json!(distinct.len())
        }
        "sum" => json!(numbers().sum::<f64>()),
        "min" => json!(numbers().reduce(f64::min)),
        "max" => json!(numbers().reduce(f64::max)),
        "latest" => {
            let latest = rows.iter().rfind(|row| of(row).is_some());
            latest.and_then(of).unwrap_or_default()
        }
        other => panic!("no such aggregate: {other}"),
    }
}

pub(super) fn is_true(value: &Value) -> bool {
    value == &json!(true)
}

pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        _ => None,
    }
}
