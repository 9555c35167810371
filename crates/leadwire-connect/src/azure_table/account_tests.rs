//! Every documented form of a connection string, and what is wrong with those that cannot work.

use super::account::{Account, Credential};

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const SAS: &str = "sv=2019-02-02&ss=t&srt=sco&sp=raucw&se=2027-01-01T00%3A00%3A00Z&sig=a%2Bb%3D";

#[track_caller]
fn accepted(text: &str, endpoint: &str, credential: &str) {
    let text = text.replace("{KEY}", KEY).replace("{EMULATOR_KEY}", EMULATOR_KEY).replace("{SAS}", SAS);
    let account = Account::parse(&text, "MarketplaceLeads").unwrap_or_else(|it| panic!("{text}: {it:?}"));
    let kind = match account.credential {
        Credential::Key(_) => "key",
        Credential::Sas(_) => "sas",
    };
    assert_eq!((account.endpoint.as_str(), kind), (endpoint, credential), "{text}");
}

#[track_caller]
fn refused(text: &str, code: &str, mentions: &str) {
    let text = text.replace("{KEY}", KEY).replace("{SAS}", SAS);
    let wrong = Account::parse(&text, "MarketplaceLeads").expect_err(&text);
    assert_eq!(wrong.code, code, "{text}: {wrong:?}");
    assert!(wrong.message.contains(mentions), "{text}: {wrong:?}");
    assert!(!wrong.fix.is_empty() && !wrong.message.contains(KEY) && !wrong.message.contains("a%2Bb"));
}

const ACME: &str = "https://acme.table.core.windows.net/";
const EMULATOR: &str = "http://127.0.0.1:10002/devstoreaccount1";

/// Text, endpoint and kind of credential.
const ACCEPTED: &[(&str, &str, &str)] = &[
    // learn.microsoft.com, "Configure Azure Storage connection strings".
    (
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net",
        ACME,
        "key",
    ),
    (
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net;",
        ACME,
        "key",
    ),
    ("DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY}", ACME, "key"),
    ("AccountName=acme;AccountKey={KEY}", ACME, "key"),
    (
        "DefaultEndpointsProtocol=http;AccountName=acme;AccountKey={KEY}",
        "http://acme.table.core.windows.net/",
        "key",
    ),
    ("AccountName=acme;AccountKey={KEY};TableEndpoint=https://acme.table.core.windows.net/", ACME, "key"),
    (
        "DefaultEndpointsProtocol=https;BlobEndpoint=https://b.contoso.com;TableEndpoint=https://t.contoso.com;AccountName=acme;AccountKey={KEY}",
        "https://t.contoso.com/",
        "key",
    ),
    (
        "AccountName=acme;AccountKey={KEY};TableEndpoint=https://acme.table.core.windows.net;TableSecondaryEndpoint=https://acme-secondary.table.core.windows.net",
        ACME,
        "key",
    ),
    ("AccountName=acme;AccountKey={KEY};TableEndpoint=acme.table.core.windows.net", ACME, "key"),
    // The EMULATOR, in both forms, and through a proxy.
    ("UseDevelopmentStorage=true", EMULATOR, "key"),
    ("UseDevelopmentStorage=true;", EMULATOR, "key"),
    (
        "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://myproxy",
        "http://myproxy:10002/devstoreaccount1",
        "key",
    ),
    (
        "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://myproxy:9999/",
        "http://myproxy:9999/devstoreaccount1",
        "key",
    ),
    (
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={EMULATOR_KEY};BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;",
        EMULATOR,
        "key",
    ),
    // Other clouds.
    (
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn",
        "https://acme.table.core.chinacloudapi.cn/",
        "key",
    ),
    (
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.usgovcloudapi.net",
        "https://acme.table.core.usgovcloudapi.net/",
        "key",
    ),
    (
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.cloudapi.de",
        "https://acme.table.core.cloudapi.de/",
        "key",
    ),
    // Cosmos DB, Table API.
    (
        "DefaultEndpointsProtocol=https;AccountName=acme-cosmos;AccountKey={KEY};TableEndpoint=https://acme-cosmos.table.cosmos.azure.com:443/;",
        "https://acme-cosmos.table.cosmos.azure.com/",
        "key",
    ),
    // Shared access signatures.
    ("TableEndpoint=https://acme.table.core.windows.net/;SharedAccessSignature={SAS}", ACME, "sas"),
    (
        "BlobEndpoint=https://acme.blob.core.windows.net/;QueueEndpoint=https://acme.queue.core.windows.net/;FileEndpoint=https://acme.file.core.windows.net/;TableEndpoint=https://acme.table.core.windows.net/;SharedAccessSignature={SAS}",
        ACME,
        "sas",
    ),
    (
        "AccountName=acme;SharedAccessSignature=?{SAS};EndpointSuffix=core.usgovcloudapi.net",
        "https://acme.table.core.usgovcloudapi.net/",
        "sas",
    ),
    ("https://acme.table.core.windows.net/?{SAS}", ACME, "sas"),
    ("https://acme.table.core.windows.net/MarketplaceLeads?{SAS}", ACME, "sas"),
    ("http://127.0.0.1:10002/devstoreaccount1/marketplaceleads?{SAS}", EMULATOR, "sas"),
    // As people paste them.
    ("  \"AccountName=acme;AccountKey={KEY}\"\n", ACME, "key"),
    ("accountname = acme ; ACCOUNTKEY = {KEY} ;; ", ACME, "key"),
    ("AccountName=acme;AccountKey={KEY};EndpointSuffix=", ACME, "key"),
];

#[test]
fn every_documented_form_is_read() {
    for (text, endpoint, credential) in ACCEPTED {
        accepted(text, endpoint, credential);
    }
}

/// Text, code of the refusal, and what its message mentions.
const REFUSED: &[(&str, &str, &str)] = &[
    ("", "endpoint_missing", "no storage account"),
    ("acme", "bad_connection_string", "without `=`"),
    ("AccountName=acme;MDEyMzQ1Njc4OWFiY2Rl", "bad_connection_string", "without `=`"),
    ("AccountName=acme;AccountName=acme2;AccountKey={KEY}", "bad_connection_string", "`AccountName` twice"),
    ("AccountName=acme", "credential_missing", "neither"),
    ("DefaultEndpointsProtocol=https;AccountKey={KEY}", "endpoint_missing", "no storage account"),
    ("AccountKey={KEY};TableEndpoint=https://t.contoso.com", "account_missing", "AccountName"),
    ("AccountName=acme;AccountKey=myAccountKey", "bad_key", "AccountKey"),
    ("AccountName=acme;AccountKey=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", "bad_key", "base64"),
    ("AccountName=acme;AccountKey={KEY};SharedAccessSignature={SAS}", "two_credentials", "both"),
    ("AccountName=acme.evil.com/;AccountKey={KEY}", "bad_account", "AccountName"),
    ("AccountName=ac;AccountKey={KEY}", "bad_account", "AccountName"),
    (
        "AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net/x",
        "bad_connection_string",
        "EndpointSuffix",
    ),
    (
        "AccountName=acme;AccountKey={KEY};DefaultEndpointsProtocol=ftp",
        "bad_connection_string",
        "DefaultEndpointsProtocol",
    ),
    ("AccountName=acme;AccountKey={KEY};TableEndpoint=ftp://acme", "bad_endpoint", "web address"),
    ("AccountName=acme;AccountKey={KEY};TableEndpoint=https://u:p@acme.net", "bad_endpoint", "user name"),
    ("AccountName=acme;AccountKey={KEY};TableEndpoint=https://exa mple.com", "bad_endpoint", "not a URL"),
    (
        "AccountName=acme;AccountKey={KEY};TableEndpoint=https://acme.blob.core.windows.net",
        "bad_endpoint",
        "another service",
    ),
    (
        "BlobEndpoint=https://acme.blob.core.windows.net;SharedAccessSignature={SAS}",
        "endpoint_missing",
        "other services",
    ),
    (
        "TableEndpoint=https://acme.table.core.windows.net;SharedAccessSignature=sv=2019-02-02&sp=a",
        "bad_sas",
        "not whole",
    ),
    (
        "TableEndpoint=https://acme.table.core.windows.net;SharedAccessSignature=sv=2019-02-02&tn=Other&sp=a&sig=x",
        "sas_other_table",
        "another table",
    ),
    ("https://acme.table.core.windows.net/", "credential_missing", "without a shared access signature"),
    ("https://acme.blob.core.windows.net/c?sv=2019-02-02&sr=c&sp=a&sig=x", "bad_endpoint", "another service"),
    ("UseDevelopmentStorage=false", "bad_connection_string", "UseDevelopmentStorage"),
    ("AccountEndpoint=https://acme.documents.azure.com:443/;AccountKey={KEY};", "other_service", "Cosmos DB"),
    (
        "Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=x;SharedAccessKey={KEY}",
        "other_service",
        "Service Bus",
    ),
];

#[test]
fn what_cannot_work_is_refused_with_a_reason() {
    for (text, code, mentions) in REFUSED {
        refused(text, code, mentions);
    }
}
