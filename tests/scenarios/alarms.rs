//! What CloudWatch makes of metrics: the alarms of template.yaml, evaluated.
//!
//! Of its rules this knows those that the template relies on: the expressions, `M out of N`, and the ways of treating
//! missing data as "Configuring how CloudWatch alarms treat missing data" tells them.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_yaml_ng::Value;

use crate::{resolved::resolved, template::plain};

/// The state of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ok,
    Alarm,
    InsufficientData,
}

/// What was measured in one period: values by namespace, name and dimensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured(BTreeMap<String, Vec<f64>>);

/// An alarm with its properties, `!If` and parameters decided.
pub(crate) struct Alarm(Value);

impl Measured {
    /// One value of a metric; dimensions as `Name=Value`.
    pub(crate) fn add(&mut self, namespace: &str, metric: &str, dimensions: &[&str], value: f64) {
        let mut dimensions = dimensions.to_vec();
        dimensions.sort_unstable();
        self.0.entry(format!("{namespace} {metric} {}", dimensions.join(","))).or_default().push(value);
    }

    /// The metrics that CloudWatch takes out of the lines of a function's log.
    pub(crate) fn add_log(&mut self, printed: &str) {
        for line in printed.lines() {
            let Ok(line) = serde_json::from_str::<Json>(line) else { continue };
            for told in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
                let namespace = told["Namespace"].as_str().unwrap();
                let names = told["Dimensions"][0].as_array().unwrap().iter().map(|it| it.as_str().unwrap());
                let dimensions: Vec<_> =
                    names.map(|name| format!("{name}={}", line[name].as_str().unwrap())).collect();
                let dimensions: Vec<_> = dimensions.iter().map(String::as_str).collect();
                for metric in told["Metrics"].as_array().unwrap() {
                    let name = metric["Name"].as_str().unwrap();
                    self.add(namespace, name, &dimensions, line[name].as_f64().unwrap());
                }
            }
        }
    }

    fn statistic(&self, key: &str, statistic: &str) -> Option<f64> {
        let values = self.0.get(key)?;
        match statistic {
            "Sum" => Some(values.iter().sum()),
            "SampleCount" => Some(f64::from(u32::try_from(values.len()).unwrap())),
            "Maximum" | "p99" => values.iter().copied().reduce(f64::max),
            other => panic!("no such statistic: {other}"),
        }
    }
}

/// All alarms of a stack called `stack` with these parameters, by name.
pub(crate) fn alarms(parameters: &[(&str, &str)]) -> BTreeMap<String, Alarm> {
    let template = resolved(parameters);
    let all = template["Resources"].as_mapping().unwrap().iter();
    let alarms = all.filter(|(_, it)| it["Type"] == "AWS::CloudWatch::Alarm");
    alarms.map(|(name, it)| (name.as_str().unwrap().to_owned(), Alarm(it["Properties"].clone()))).collect()
}

impl Alarm {
    /// Its state after the latest periods, of which `past` has the last one last; periods without data are empty.
    pub(crate) fn state(&self, past: &[Measured], before: State) -> State {
        let count = |name: &str| self.number(name);
        let periods = count("EvaluationPeriods").unwrap();
        let needed = count("DatapointsToAlarm").unwrap_or(periods);
        let threshold = count("Threshold").unwrap();
        let latest = past.iter().rev().take(whole(periods)).map(|period| self.value(period));
        let points: Vec<Option<f64>> = latest.collect();
        if points.iter().all(Option::is_none) {
            // "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing data".
            if serde_yaml_ng::to_string(&self.0).unwrap().contains("AWS/DynamoDB") {
                return before;
            }
            return match self.0["TreatMissingData"].as_str().unwrap() {
                "notBreaching" => State::Ok,
                "breaching" => State::Alarm,
                "missing" => State::InsufficientData,
                other => panic!("{other}"),
            };
        }
        assert_eq!(self.0["ComparisonOperator"], "GreaterThanOrEqualToThreshold");
        let breaching = points.iter().flatten().filter(|value| **value >= threshold).count();
        if breaching >= whole(needed) { State::Alarm } else { State::Ok }
    }

    /// The minutes that one datapoint takes.
    pub(crate) fn minutes(&self) -> u64 {
        let of_metrics = self.0["Metrics"].as_sequence().into_iter().flatten();
        let periods = of_metrics.filter_map(|it| it["MetricStat"]["Period"].as_u64());
        let period = periods.chain(self.0["Period"].as_u64()).next().unwrap();
        period / 60 * u64::try_from(whole(self.number("DatapointsToAlarm").unwrap_or(1.0))).unwrap()
    }

    fn number(&self, name: &str) -> Option<f64> {
        let value = &self.0[name];
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    /// The value that is compared with the threshold.
    fn value(&self, measured: &Measured) -> Option<f64> {
        let Some(metrics) = self.0["Metrics"].as_sequence() else {
            let statistic = self.0["Statistic"].as_str().or(self.0["ExtendedStatistic"].as_str()).unwrap();
            return measured.statistic(&key(&self.0), statistic);
        };
        let mut values = BTreeMap::new();
        for metric in metrics.iter().filter(|it| !it["MetricStat"].is_null()) {
            let statistic = metric["MetricStat"]["Stat"].as_str().unwrap();
            let value = measured.statistic(&key(&metric["MetricStat"]["Metric"]), statistic);
            values.insert(metric["Id"].as_str().unwrap().to_owned(), value);
        }
        let returned = metrics.iter().find(|it| it["ReturnData"] != false).unwrap();
        let Some(expression) = plain(&returned["Expression"]).as_str() else {
            return values[returned["Id"].as_str().unwrap()];
        };
        // "Missing values in a time series are treated as 0", where another one has a point.
        if values.values().all(Option::is_none) {
            return None;
        }
        let expression = expression
            .replace("${ThrottleRate}", "50")
            .replace("${ThrottleBurst}", "100")
            .replace("${RotationDays}", "30");
        let mut parser = Parser { rest: &expression, values: &values };
        let value = parser.comparison();
        assert_eq!(parser.rest.trim(), "", "{expression}");
        Some(value)
    }
}

fn key(metric: &Value) -> String {
    let text = |value: &Value| match plain(value).as_str().unwrap() {
        "AWS::StackName" => "stack".to_owned(),
        other => other.replace("${AWS::StackName}", "stack"),
    };
    let dimensions = metric["Dimensions"].as_sequence().into_iter().flatten();
    let mut dimensions: Vec<_> =
        dimensions.map(|it| format!("{}={}", text(&it["Name"]), text(&it["Value"]))).collect();
    dimensions.sort_unstable();
    format!("{} {} {}", text(&metric["Namespace"]), text(&metric["MetricName"]), dimensions.join(","))
}

fn whole(number: f64) -> usize {
    number.to_string().parse().unwrap()
}

/// Metric math: sums, products, comparisons and IF.
struct Parser<'a> {
    rest: &'a str,
    values: &'a BTreeMap<String, Option<f64>>,
}

impl Parser<'_> {
    fn comparison(&mut self) -> f64 {
        let left = self.sum();
        if self.takes(">=") {
            return f64::from(u8::from(left >= self.sum()));
        }
        if self.takes(">") {
            return f64::from(u8::from(left > self.sum()));
        }
        left
    }

    fn sum(&mut self) -> f64 {
        let mut value = self.product();
        loop {
            if self.takes("+") {
                value += self.product();
            } else if self.takes("-") {
                value -= self.product();
            } else {
                return value;
            }
        }
    }

    fn product(&mut self) -> f64 {
        let mut value = self.term();
        loop {
            if self.takes("*") {
                value *= self.term();
            } else if self.takes("/") {
                value /= self.term();
            } else {
                return value;
            }
        }
    }

    fn term(&mut self) -> f64 {
        if self.takes("IF(") {
            let condition = self.comparison();
            assert!(self.takes(","));
            let then = self.comparison();
            assert!(self.takes(","));
            let otherwise = self.comparison();
            assert!(self.takes(")"));
            return if condition > 0.0 { then } else { otherwise };
        }
        if self.takes("(") {
            let value = self.comparison();
            assert!(self.takes(")"));
            return value;
        }
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.')
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.parse().unwrap_or_else(|_| self.values[word].unwrap_or_default())
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}
