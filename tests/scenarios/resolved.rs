//! template.yaml as a deployment with certain parameters sees it: conditions and choices decided, what does not hold gone.

use std::collections::BTreeMap;

use serde_yaml_ng::{Mapping, Value};

use crate::template::template;

/// The parameters that switch on what is off by default and has functions of its own.
pub(crate) const EVERYTHING: &[(&str, &str)] = &[
    ("AccessTokenAudiences", "https://orders.example.com=orders:read;https://billing.example.com"),
    ("MachineClients", "true"),
    ("AccountLink", "https://app.example.com/account"),
    ("CorsAllowedOrigins", "https://app.example.com"),
    ("MailFrom", "no-reply@example.com"),
    ("MailConfigurationSet", "latchkey"),
];

/// The template for one choice of parameters.
pub(crate) struct Resolved {
    parameters: BTreeMap<String, String>,
    conditions: Mapping,
}

/// `Resources` and `Outputs` with `parameters` in place of the defaults.
pub(crate) fn resolved(parameters: &[(&str, &str)]) -> Value {
    let template = template();
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => serde_yaml_ng::to_string(other).unwrap().trim().to_owned(),
    };
    let declared = template["Parameters"].as_mapping().unwrap();
    let mut values: BTreeMap<String, String> = declared
        .iter()
        .map(|(name, parameter)| (name.as_str().unwrap().to_owned(), text(&parameter["Default"])))
        .collect();
    for (name, value) in parameters {
        let known = values.insert((*name).to_owned(), (*value).to_owned());
        assert!(known.is_some(), "{name} is no parameter");
    }
    let conditions = template["Conditions"].as_mapping().unwrap().clone();
    let resolved = Resolved { parameters: values, conditions };
    let mut kept = template.clone();
    for part in ["Resources", "Outputs"] {
        let all = template[part].as_mapping().unwrap();
        let there =
            all.iter().filter(|(_, it)| it["Condition"].as_str().is_none_or(|name| resolved.holds(name)));
        let decided = there.map(|(name, it)| (name.clone(), resolved.decide(it).unwrap()));
        kept[part] = Value::Mapping(decided.collect());
    }
    kept["Globals"] = resolved.decide(&template["Globals"]).unwrap();
    kept
}

impl Resolved {
    /// Whether the condition called `name` holds.
    fn holds(&self, name: &str) -> bool {
        self.is_true(&self.conditions[name])
    }

    fn is_true(&self, condition: &Value) -> bool {
        let Value::Tagged(tagged) = condition else { panic!("no condition: {condition:?}") };
        let parts = tagged.value.as_sequence();
        match tagged.tag.to_string().as_str() {
            "!Equals" => {
                let [one, other] = &parts.unwrap()[..] else { panic!("not two sides") };
                self.text(one) == self.text(other)
            }
            "!Not" => !self.is_true(&parts.unwrap()[0]),
            "!And" => parts.unwrap().iter().all(|part| self.is_true(part)),
            "!Or" => parts.unwrap().iter().any(|part| self.is_true(part)),
            "!Condition" => self.holds(tagged.value.as_str().unwrap()),
            other => panic!("no such function: {other}"),
        }
    }

    fn text(&self, value: &Value) -> String {
        match value {
            Value::Tagged(reference) => self.parameters[reference.value.as_str().unwrap()].clone(),
            Value::String(text) => text.clone(),
            other => serde_yaml_ng::to_string(other).unwrap().trim().to_owned(),
        }
    }

    /// `value` with each `!If` decided and each `!Ref` of a parameter filled in; none where nothing is left.
    fn decide(&self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::Tagged(tagged) if tagged.tag == "If" => {
                let branch = if self.holds(tagged.value[0].as_str().unwrap()) { 1 } else { 2 };
                return self.decide(&tagged.value[branch]);
            }
            Value::Tagged(tagged) if tagged.tag == "Ref" => {
                let name = tagged.value.as_str().unwrap();
                if name == "AWS::NoValue" {
                    return None;
                }
                self.parameters.get(name).map_or_else(|| value.clone(), |text| Value::String(text.clone()))
            }
            Value::Tagged(tagged) => {
                let mut inner = tagged.clone();
                inner.value = self.decide(&tagged.value)?;
                Value::Tagged(inner)
            }
            Value::Mapping(members) => Value::Mapping(
                members.iter().filter_map(|(name, it)| Some((name.clone(), self.decide(it)?))).collect(),
            ),
            Value::Sequence(items) => {
                Value::Sequence(items.iter().filter_map(|it| self.decide(it)).collect())
            }
            other => other.clone(),
        })
    }
}
