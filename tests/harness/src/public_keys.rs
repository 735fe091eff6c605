use aws::AwsSettings;
use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    },
};
use keyring::PublicKeys;

/// The table's name.
pub const PUBLIC_KEYS_TABLE: &str = "public-keys";

/// The table of template.yaml that holds the public keys, empty at first.
pub struct PublicKeysTable {
    /// Its one row, as the functions reach it.
    pub keys: PublicKeys,
    client: Client,
}

/// Makes a table by this key in the DynamoDB at `endpoint`; a client of it.
pub async fn create_table_by(endpoint: &str, name: &str, key: &str) -> Client {
    let client = AwsSettings::embedded(endpoint.to_owned()).dynamodb();
    let attribute = AttributeDefinition::builder().attribute_name(key).attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash);
    let table = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let table = table.attribute_definitions(attribute.build().unwrap()).key_schema(key.build().unwrap());
    table.send().await.unwrap();
    client
}

impl PublicKeysTable {
    /// A new table in the DynamoDB at `endpoint`.
    pub async fn create(endpoint: &str) -> Self {
        let client = create_table_by(endpoint, PUBLIC_KEYS_TABLE, "pk").await;
        Self { keys: PublicKeys::new(client.clone(), PUBLIC_KEYS_TABLE), client }
    }

    /// Puts `keys` there as somebody else than `rotate-keys` could.
    pub async fn put(&self, keys: &str) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let row = self.client.put_item().table_name(PUBLIC_KEYS_TABLE).item("pk", text("public-keys"));
        row.item("keys", text(keys)).send().await.unwrap();
    }

    /// What was published last.
    pub async fn published(&self) -> Option<String> {
        let rows = self.client.scan().table_name(PUBLIC_KEYS_TABLE).send().await.unwrap().items.unwrap();
        assert!(rows.len() <= 1);
        Some(rows.first()?.get("keys").and_then(|keys: &AttributeValue| keys.as_s().ok()).unwrap().clone())
    }
}
