//! CloudWatch Logs Insights, as far as the template's queries need it: `fields`, `filter`, `stats`, `sort`, `limit`, and a
//! subquery after `not in`.
//!
//! What it does not know it panics at, so that no query is shipped of which a part was never evaluated. The rules are those of
//! "CloudWatch Logs Insights language query syntax"; that AWS follows them no test here can show.

use std::{cmp::Ordering, collections::BTreeMap};

use serde_json::{Value, json};

mod expression;

use self::expression::{Expression, aggregate, compare, evaluate, is_true};

/// A line of the log, or a row of a result: values by name.
pub(crate) type Row = BTreeMap<String, Value>;

/// The lines of a log: its JSON members, and `@timestamp` in milliseconds.
#[derive(Clone, Default)]
pub(crate) struct Log(Vec<Row>);

impl Log {
    /// Adds what a function has printed, `later` milliseconds after it did.
    pub(crate) fn add(&mut self, printed: &str, later: i64) {
        for line in printed.lines() {
            let Ok(Value::Object(members)) = serde_json::from_str(line) else { continue };
            let mut row = Row::new();
            flatten("", Value::Object(members), &mut row);
            let written = humantime(row["timestamp"].as_str().unwrap());
            row.insert("@timestamp".to_owned(), json!(written + later));
            self.0.push(row);
        }
    }

    /// Both logs.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    pub(crate) fn lines(&self) -> &[Row] {
        &self.0
    }

    /// What `query` finds.
    pub(crate) fn query(&self, query: &str) -> Vec<Row> {
        let tokens = tokens(query);
        let mut parser = Parser { tokens: &tokens, at: 0, log: self };
        let rows = parser.pipeline(self.0.clone());
        assert_eq!(parser.at, tokens.len(), "the end of {query}");
        rows
    }
}

/// Members of members by their path, as CloudWatch finds them: `userIdentity.arn`.
fn flatten(path: &str, value: Value, row: &mut Row) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(&name, member, row);
            }
        }
        value => drop(row.insert(path.to_owned(), value)),
    }
}

/// Milliseconds since 1970 of an RFC 3339 time in UTC.
fn humantime(text: &str) -> i64 {
    let number = |range| text.get::<std::ops::Range<usize>>(range).unwrap().parse::<i64>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    // Days of the civil calendar since 1970, by years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    let seconds = days * 86_400 + number(11..13) * 3600 + number(14..16) * 60 + number(17..19);
    let fraction = text.get(20..).unwrap().trim_end_matches('Z');
    seconds * 1000 + format!("{fraction:0<3}").get(..3).unwrap().parse::<i64>().unwrap()
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

const SIGNS: [&str; 15] = ["!=", ">=", "<=", "=", ">", "<", "|", "(", ")", "[", "]", ",", "+", "-", "*"];

fn tokens(query: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' || first == '\'' {
            let end = rest.get(1..).unwrap().find(first).unwrap() + 1;
            tokens.push(Token::Text(rest.get(1..end).unwrap().to_owned()));
            end + 1
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else {
            let in_word = |c: char| c.is_alphanumeric() || "@_.".contains(c);
            let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            assert!(end > 0, "unknown: {rest}");
            let word = rest.get(..end).unwrap();
            tokens.push(word.parse().map_or_else(|_| Token::Word(word.to_owned()), Token::Number));
            end
        };
        rest = rest.get(length..).unwrap().trim_start();
    }
    tokens
}

/// What a row is grouped by.
type Key = Box<dyn Fn(&Row) -> Value>;

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    log: &'a Log,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Token {
        self.at += 1;
        self.tokens[self.at - 1].clone()
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn word(&mut self) -> String {
        match self.next() {
            Token::Word(word) => word,
            other => panic!("a word, not {other:?}"),
        }
    }

    fn pipeline(&mut self, mut rows: Vec<Row>) -> Vec<Row> {
        loop {
            rows = match self.word().as_str() {
                "fields" => self.fields(rows),
                "filter" => {
                    let condition = self.condition();
                    rows.into_iter().filter(|row| is_true(&evaluate(&condition, row))).collect()
                }
                "stats" => self.stats(&rows),
                "sort" => self.sort(rows),
                "limit" => {
                    let Token::Number(most) = self.next() else { panic!("a number") };
                    rows.into_iter().take(format!("{most}").parse().unwrap()).collect()
                }
                other => panic!("no such command: {other}"),
            };
            if !self.takes_sign("|") {
                return rows;
            }
        }
    }

    /// Unlike AWS's, every row keeps the members that are not named: a later command sees the same.
    fn fields(&mut self, mut rows: Vec<Row>) -> Vec<Row> {
        loop {
            let expression = self.sum();
            if self.takes_word("as") {
                let name = self.word();
                for row in &mut rows {
                    let value = evaluate(&expression, row);
                    row.insert(name.clone(), value);
                }
            } else {
                assert!(matches!(expression, Expression::Field(_)), "{expression:?} without a name");
            }
            if !self.takes_sign(",") {
                return rows;
            }
        }
    }

    fn stats(&mut self, rows: &[Row]) -> Vec<Row> {
        let mut aggregates = Vec::new();
        loop {
            let function = self.word();
            assert!(self.takes_sign("("), "{function}");
            let argument = if self.takes_sign("*") { None } else { Some(self.sum()) };
            assert!(self.takes_sign(")") && self.takes_word("as"), "{function}(…) as");
            aggregates.push((function, argument, self.word()));
            if !self.takes_sign(",") {
                break;
            }
        }
        let mut keys = Vec::new();
        if self.takes_word("by") {
            loop {
                keys.push(self.key());
                if !self.takes_sign(",") {
                    break;
                }
            }
        }
        let mut groups: BTreeMap<String, (Row, Vec<&Row>)> = BTreeMap::new();
        for row in rows {
            let of_row: Row = keys.iter().map(|(name, key)| (name.clone(), key(row))).collect();
            let group = groups.entry(format!("{of_row:?}")).or_insert_with(|| (of_row, Vec::new()));
            group.1.push(row);
        }
        let results = groups.into_values().map(|(mut result, members)| {
            for (function, argument, name) in &aggregates {
                result.insert(name.clone(), aggregate(function, argument.as_ref(), &members));
            }
            result
        });
        results.collect()
    }

    /// What a result is grouped by: a member, or a span of time.
    fn key(&mut self) -> (String, Key) {
        let name = self.word();
        if name != "bin" {
            let member = name.clone();
            return (name, Box::new(move |row| row.get(&member).cloned().unwrap_or_default()));
        }
        assert!(self.takes_sign("("));
        let span = self.word();
        assert!(self.takes_sign(")"));
        let minutes: i64 = span.strip_suffix('m').unwrap().parse().unwrap();
        let length = minutes * 60_000;
        let bin = move |row: &Row| json!(row["@timestamp"].as_i64().unwrap() / length * length);
        (format!("bin({span})"), Box::new(bin))
    }

    fn sort(&mut self, mut rows: Vec<Row>) -> Vec<Row> {
        let name = self.word();
        let descending = self.takes_word("desc");
        let ascending = self.takes_word("asc");
        assert!(ascending != descending, "sort {name} asc or desc");
        let of = |row: &Row| row.get(&name).cloned().unwrap_or_default();
        rows.sort_by(|one, other| {
            let order = compare(&of(one), &of(other)).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        });
        rows
    }

    fn condition(&mut self) -> Expression {
        let mut left = self.conjunction();
        while self.takes_word("or") {
            left = Expression::Operator("or", Box::new(left), Box::new(self.conjunction()));
        }
        left
    }

    fn conjunction(&mut self) -> Expression {
        let mut left = self.comparison();
        while self.takes_word("and") {
            left = Expression::Operator("and", Box::new(left), Box::new(self.comparison()));
        }
        left
    }

    fn comparison(&mut self) -> Expression {
        if self.takes_word("not") {
            return Expression::Not(Box::new(self.comparison()));
        }
        let left = self.sum();
        let negated = self.takes_word("not");
        if self.takes_word("like") {
            let Token::Text(part) = self.next() else { panic!("a text after like") };
            let has = Expression::Call("like".to_owned(), vec![left, Expression::Constant(json!(part))]);
            return if negated { Expression::Not(Box::new(has)) } else { has };
        }
        if negated {
            assert!(self.takes_word("in"));
            return Expression::In(Box::new(left), self.list(), false);
        }
        if self.takes_word("in") {
            return Expression::In(Box::new(left), self.list(), true);
        }
        match ["!=", ">=", "<=", "=", ">", "<"].into_iter().find(|sign| self.takes_sign(sign)) {
            Some(operator) => Expression::Operator(operator, Box::new(left), Box::new(self.sum())),
            None => left,
        }
    }

    /// `["a", "b"]`, or the one member that a subquery names.
    fn list(&mut self) -> Vec<Value> {
        if self.takes_sign("(") {
            assert!(
                self.takes_word("SOURCE") && matches!(self.next(), Token::Text(_)) && self.takes_sign("|")
            );
            let rows = self.pipeline(self.log.0.clone());
            let Token::Word(member) = &self.tokens[self.at - 1] else { panic!("a subquery ends in fields") };
            let values = rows.iter().filter_map(|row| row.get(member).cloned()).collect();
            assert!(self.takes_sign(")"));
            return values;
        }
        assert!(self.takes_sign("["));
        let mut values = Vec::new();
        loop {
            let Token::Text(text) = self.next() else { panic!("a text in a list") };
            values.push(json!(text));
            if self.takes_sign("]") {
                return values;
            }
            assert!(self.takes_sign(","));
        }
    }

    fn sum(&mut self) -> Expression {
        let mut left = self.primary();
        while let Some(operator) = ["+", "-"].into_iter().find(|sign| self.takes_sign(sign)) {
            left = Expression::Operator(operator, Box::new(left), Box::new(self.primary()));
        }
        left
    }

    fn primary(&mut self) -> Expression {
        match self.next() {
            Token::Number(number) => Expression::Constant(json!(number)),
            Token::Text(text) => Expression::Constant(json!(text)),
            Token::Sign("(") => {
                let inner = self.condition();
                assert!(self.takes_sign(")"));
                inner
            }
            Token::Sign(sign) => panic!("unexpected {sign}"),
            Token::Word(word) => {
                if !self.takes_sign("(") {
                    return Expression::Field(word);
                }
                let mut arguments = vec![self.sum()];
                while self.takes_sign(",") {
                    arguments.push(self.sum());
                }
                assert!(self.takes_sign(")"));
                Expression::Call(word, arguments)
            }
        }
    }
}

#[test]
fn a_query_is_evaluated_command_by_command() {
    let mut log = Log::default();
    for (second, line) in [
        r#""who":"a","ok":"yes","id":"1""#,
        r#""who":"a","ok":"no","id":"2""#,
        r#""who":"b","ok":"no","made":"1""#,
        r#""other":1"#,
    ]
    .into_iter()
    .enumerate()
    {
        log.add(&format!(r#"{{"timestamp":"2023-06-02T18:00:0{second}.5Z",{line}}}"#), 0);
    }
    let found = |query: &str| json!(log.query(query));
    assert_eq!(
        found("stats count(*) as n, min(@timestamp) as t")[0],
        json!({ "n": 4, "t": 1_685_728_800_500.0 })
    );
    let by_who = found(
        "filter ispresent(who) | stats count(*) as n, sum(strcontains(ok, 'no')) as bad, latest(ok) as last by who | filter n - bad >= 1",
    );
    assert_eq!(by_who, json!([{ "who": "a", "n": 2, "bad": 1.0, "last": "no" }]));
    let ids =
        found("filter ispresent(id) and id not in (SOURCE 'group' | filter ispresent(made) | fields made)");
    assert_eq!((ids.as_array().unwrap().len(), &ids[0]["id"]), (1, &json!("2")));
    let mut nested = Log::default();
    nested.add(r#"{"timestamp":"2023-06-02T18:00:09.5Z","user":{"arn":"role/stack-x"}}"#, 0);
    assert_eq!(nested.query("filter user.arn like '/stack-'").len(), 1);
    assert!(nested.query("filter user.arn not like '/stack-'").is_empty());
    let sorted = found(
        "fields coalesce(id, made) as key | filter key in [\"1\"] or not ispresent(who) | sort @timestamp desc | limit 2",
    );
    assert_eq!((&sorted[0]["other"], &sorted[1]["made"]), (&json!(1), &json!("1")));
}
