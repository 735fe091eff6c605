//! One secret under the rules of AWS Secrets Manager: versions, labels and request tokens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The version that a secret begins with.
pub const FIRST_VERSION: &str = "00000000-0000-0000-0000-000000000000";

/// Why a call failed: AWS's name of the error and its sentence.
pub type AwsError = (&'static str, &'static str);

/// A secret. It is strict where the steps of a rotation rely on it: a version never changes its value, a label is on one
/// version at most, and moving one says where it was.
pub struct Secret {
    arn: String,
    /// A version of a rotation that has just begun has no value.
    versions: BTreeMap<String, Option<String>>,
    /// The version of each label.
    labels: BTreeMap<String, String>,
    rotation_enabled: bool,
}

impl Secret {
    /// A secret of this value, in force and enabled for rotation.
    pub fn new(arn: &str, value: String) -> Self {
        Self {
            arn: arn.to_owned(),
            versions: BTreeMap::from([(FIRST_VERSION.to_owned(), Some(value))]),
            labels: BTreeMap::from([("AWSCURRENT".to_owned(), FIRST_VERSION.to_owned())]),
            rotation_enabled: true,
        }
    }

    /// The answer to `call`, a name of AWS's API. `RotateSecret` begins a rotation and calls no function.
    pub fn apply(&mut self, call: &str, request: &Value) -> Result<Value, AwsError> {
        if !text(request, "SecretId").is_some_and(|id| self.is_called(id)) {
            return Err(("ResourceNotFoundException", "Secrets Manager can't find the specified secret."));
        }
        match call {
            "DescribeSecret" => Ok(self.describe()),
            "GetSecretValue" => self.get(request),
            "PutSecretValue" => self.put(request),
            "UpdateSecretVersionStage" => self.update_stage(request),
            "RotateSecret" => {
                let unfinished = "A previous rotation isn't complete. That rotation will be reattempted.";
                let begun = self.begin_rotation().ok_or(("InvalidRequestException", unfinished))?;
                Ok(json!({ "ARN": self.arn, "VersionId": begun }))
            }
            _ => Err(("UnknownOperationException", "no such operation")),
        }
    }

    fn is_called(&self, id: &str) -> bool {
        id == self.arn || id == self.name()
    }

    /// The part of the ARN after the last colon, without the six random characters.
    fn name(&self) -> &str {
        let last = self.arn.rsplit(':').next().unwrap_or_default();
        last.rsplit_once('-').map_or(last, |(name, _)| name)
    }

    /// Does what `RotateSecret` does before it calls the rotation function; the token of the rotation.
    ///
    /// `None` while an earlier one is not complete, which AWS then tries again.
    pub fn begin_rotation(&mut self) -> Option<String> {
        let pending = self.labels.get("AWSPENDING");
        if pending.is_some_and(|version| Some(version) != self.labels.get("AWSCURRENT")) {
            return None;
        }
        let token = format!("00000000-0000-0000-0000-{:012}", self.versions.len());
        self.versions.insert(token.clone(), None);
        self.labels.insert("AWSPENDING".to_owned(), token.clone());
        Some(token)
    }

    /// Switches rotation off or on.
    pub fn enable_rotation(&mut self, enabled: bool) {
        self.rotation_enabled = enabled;
    }

    /// Puts another value in force, as a person does in the console.
    pub fn put_by_hand(&mut self, value: String) {
        let version = format!("11111111-0000-0000-0000-{:012}", self.versions.len());
        self.versions.insert(version.clone(), Some(value));
        self.move_label("AWSCURRENT", &version);
    }

    /// Overwrites the value under a label, which AWS never does.
    pub fn corrupt(&mut self, label: &str, value: &str) {
        if let Some(version) = self.labels.get(label) {
            self.versions.insert(version.clone(), Some(value.to_owned()));
        }
    }

    /// The version and the value under a label.
    pub fn labelled(&self, label: &str) -> Option<(&str, Option<&str>)> {
        let version = self.labels.get(label)?;
        Some((version, self.versions.get(version)?.as_deref()))
    }

    fn describe(&self) -> Value {
        let mut stages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (label, version) in &self.labels {
            stages.entry(version).or_default().push(label);
        }
        json!({ "ARN": self.arn, "RotationEnabled": self.rotation_enabled, "VersionIdsToStages": stages })
    }

    fn get(&self, request: &Value) -> Result<Value, AwsError> {
        let absent = ("ResourceNotFoundException", "Secrets Manager can't find the specified secret value.");
        let label = text(request, "VersionStage").unwrap_or("AWSCURRENT");
        let (version, value) = self.labelled(label).ok_or(absent)?;
        if text(request, "VersionId").is_some_and(|asked| asked != version) {
            return Err(absent);
        }
        let labels: Vec<_> =
            self.labels.iter().filter(|(_, holder)| *holder == version).map(|(label, _)| label).collect();
        Ok(json!({
            "ARN": self.arn, "Name": self.name(), "VersionId": version, "VersionStages": labels,
            "SecretString": value.ok_or(absent)?,
        }))
    }

    fn put(&mut self, request: &Value) -> Result<Value, AwsError> {
        let invalid =
            ("InvalidParameterException", "ClientRequestToken or SecretString is absent or out of range");
        let token = text(request, "ClientRequestToken").filter(|token| (32..=64).contains(&token.len()));
        let value = text(request, "SecretString").filter(|value| (1..=65_536).contains(&value.len()));
        let (token, value) = token.zip(value).ok_or(invalid)?;
        if let Some(Some(there)) = self.versions.get(token) {
            if there != value {
                return Err(("ResourceExistsException", "the version has another value"));
            }
        } else {
            self.versions.insert(token.to_owned(), Some(value.to_owned()));
            let labels = request.get("VersionStages").and_then(Value::as_array).cloned();
            for label in labels.unwrap_or_else(|| vec![json!("AWSCURRENT")]) {
                self.move_label(label.as_str().ok_or(invalid)?, token);
            }
        }
        Ok(json!({ "ARN": self.arn, "VersionId": token }))
    }

    fn update_stage(&mut self, request: &Value) -> Result<Value, AwsError> {
        let label = text(request, "VersionStage").ok_or(("InvalidParameterException", "which label?"))?;
        let (to, from) = (text(request, "MoveToVersionId"), text(request, "RemoveFromVersionId"));
        let holder = self.labels.get(label).map(String::as_str);
        if holder.is_some() && holder != from && holder != to {
            return Err(("InvalidParameterException", "the label is on another version"));
        }
        match to {
            Some(to) if !self.versions.contains_key(to) => {
                return Err(("ResourceNotFoundException", "no such version"));
            }
            Some(to) => self.move_label(label, to),
            None if label == "AWSCURRENT" => {
                return Err(("InvalidParameterException", "AWSCURRENT can only be moved"));
            }
            None => drop(self.labels.remove(label)),
        }
        Ok(json!({ "ARN": self.arn }))
    }

    /// The version that loses `AWSCURRENT` gets `AWSPREVIOUS`.
    fn move_label(&mut self, label: &str, version: &str) {
        let lost = self.labels.insert(label.to_owned(), version.to_owned());
        if let Some(lost) = lost.filter(|lost| label == "AWSCURRENT" && lost != version) {
            self.labels.insert("AWSPREVIOUS".to_owned(), lost);
        }
    }
}

fn text<'r>(request: &'r Value, member: &str) -> Option<&'r str> {
    request.get(member).and_then(Value::as_str)
}
