//! The files of `deploy/`: they are YAML, the chart renders, what it renders to is known to Kubernetes' own schemas, and what they
//! set is what the program reads. Nothing is started.

use leadwire::config::Config;
use leadwire_testkit::peers::{Language, ask};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").canonicalize().unwrap()
}

async fn read(values: Value) -> Value {
    let input = json!({ "folder": folder(), "release": "leads", "values": values });
    ask(Language::Node, "deploy.mjs", &input).await
}

fn kind<'a>(all: &'a Value, kind: &str) -> Option<&'a Value> {
    all["manifests"].as_array().unwrap().iter().find(|it| it["kind"] == kind)
}

/// Reads settings as `serve` would, with files of a container in a folder of this machine.
#[track_caller]
fn config(variables: BTreeMap<String, String>) -> Config {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("database");
    std::fs::write(&file, "postgres://leadwire:hunter2@database/leadwire?sslmode=disable\n").unwrap();
    let here = |(name, value): (String, String)| {
        let value = if name == "LEADWIRE_DATABASE_FILE" { file.display().to_string() } else { value };
        (name, value)
    };
    let none = scratch.path().join("leadwire.toml");
    std::fs::write(&none, "").unwrap();
    Config::load(Some(&none), variables.into_iter().map(here)).unwrap()
}

#[track_caller]
fn is_ready_for_several_nodes(config: &Config) {
    assert!(config.database.is_some() && config.master_key_file.is_some(), "all nodes share both");
    assert_eq!(config.listen.to_string(), "0.0.0.0:5323");
    assert!(config.public_url.is_some() && !config.proxies.is_empty());
}

#[tokio::test]
async fn compose_starts_three_nodes_with_settings_that_the_program_reads() {
    let compose = &read(json!({})).await["compose"];
    let services = compose["services"].as_object().unwrap();
    let nodes: Vec<&Value> = services.iter().filter(|it| it.0.starts_with("node")).map(|it| it.1).collect();
    assert_eq!(nodes.len(), 3);
    for node in nodes {
        let variables = node["environment"].as_object().unwrap();
        let text = |it: &Value| it.as_str().unwrap().replace("${LEADWIRE_PUBLIC_URL:-", "").replace('}', "");
        is_ready_for_several_nodes(&config(variables.iter().map(|it| (it.0.clone(), text(it.1))).collect()));
        assert_eq!(node["healthcheck"]["test"], json!(["CMD", "leadwire", "health"]));
        for secret in node["secrets"].as_array().unwrap() {
            assert!(compose["secrets"][secret.as_str().unwrap()]["file"].is_string(), "{secret}");
            let file = format!("/run/secrets/{}", secret.as_str().unwrap());
            assert!(variables.values().any(|it| it == &file), "{file} is not used");
        }
    }
    let balancer = std::fs::read_to_string(folder().join("haproxy.cfg")).unwrap();
    for name in services.keys().filter(|it| it.starts_with("node")) {
        assert!(balancer.contains(&format!("server {name} {name}:5323")), "{name} gets no requests");
    }
    assert!(balancer.contains("uri /readyz"));
    let world = balancer.split_once("\nfrontend world\n").unwrap().1.split("\n\n").next().unwrap();
    assert!(
        world.lines().any(|it| it.trim() == "http-request del-header X-Forwarded-For"),
        "a client's own word is believed"
    );
    for service in services.values() {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let is_there = match source.strip_prefix("./") {
                Some(file) => folder().join(file).exists(),
                None => compose["volumes"].get(source).is_some(),
            };
            assert!(is_there, "{source} is not there");
        }
        for network in service["networks"].as_array().unwrap() {
            assert!(compose["networks"].get(network.as_str().unwrap()).is_some(), "{network} is not there");
        }
    }
    assert_eq!(compose["networks"]["inside"]["internal"], true, "the database is nobody else's");
}

#[tokio::test]
async fn the_chart_renders_to_nodes_that_are_probed_and_kept_apart() {
    let all = read(json!({ "replicas": 5, "publicUrl": "https://leads.contoso.example" })).await;
    let deployment = kind(&all, "Deployment").unwrap();
    assert_eq!(
        (&deployment["metadata"]["name"], &deployment["spec"]["replicas"]),
        (&json!("leads"), &json!(5))
    );
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["enableServiceLinks"], false, "its variables would be settings that nobody knows");
    let container = &pod["containers"][0];
    let variables = container["env"].as_array().unwrap().iter();
    let text = |it: &Value| it.as_str().unwrap_or_else(|| panic!("{it} is not a text")).to_owned();
    let config = config(variables.map(|it| (text(&it["name"]), text(&it["value"]))).collect());
    is_ready_for_several_nodes(&config);
    assert_eq!(config.public_url.as_deref(), Some("https://leads.contoso.example"));
    for (probe, path) in
        [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
    {
        assert_eq!(container[probe]["httpGet"], json!({ "path": path, "port": "http" }), "{probe}");
    }
    let endpoints = include_str!("../../../leadwire/src/api/endpoints.rs");
    assert!(["GET \"/healthz\"", "GET \"/readyz\""].iter().all(|it| endpoints.contains(it)));
    assert_eq!(container["resources"]["requests"]["memory"], "128Mi");
    assert_eq!(
        (&pod["securityContext"]["runAsNonRoot"], &container["securityContext"]["readOnlyRootFilesystem"]),
        (&json!(true), &json!(true))
    );
    // Each mounted volume is there, and each variable that names a file names one that is mounted.
    let volumes: Vec<&Value> = pod["volumes"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    let mounts = container["volumeMounts"].as_array().unwrap();
    assert!(mounts.iter().all(|it| volumes.contains(&&it["name"])) && mounts.len() == volumes.len());
    let file = config.master_key_file.unwrap();
    assert!(
        mounts.iter().any(|it| file.starts_with(it["mountPath"].as_str().unwrap())),
        "{}",
        file.display()
    );
    // Whoever selects pods selects these.
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let selectors = [
        &deployment["spec"]["selector"]["matchLabels"],
        &kind(&all, "Service").unwrap()["spec"]["selector"],
        &kind(&all, "PodDisruptionBudget").unwrap()["spec"]["selector"]["matchLabels"],
    ];
    assert!(selectors.iter().all(|it| *it == labels), "{selectors:?}");
    assert_eq!(all["chart"]["appVersion"], env!("CARGO_PKG_VERSION"));
    assert!(kind(&all, "Ingress").is_none());
}

#[tokio::test]
async fn what_is_switched_on_in_the_chart_comes_with_what_it_needs() {
    let all = read(json!({ "ingress": { "enabled": true }, "databaseCa": "db-ca" })).await;
    let ingress = kind(&all, "Ingress").unwrap();
    let backend = &ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"];
    assert_eq!(backend, &json!({ "name": "leads", "port": { "name": "http" } }));
    let pod = &kind(&all, "Deployment").unwrap()["spec"]["template"]["spec"];
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    assert!(mounts.iter().any(|it| it["mountPath"] == "/etc/leadwire/ca"));
    assert!(pod["volumes"].as_array().unwrap().iter().any(|it| it["configMap"]["name"] == "db-ca"));
}

#[tokio::test]
async fn kubernetes_own_schemas_know_all_that_the_chart_says() {
    let all = read(json!({ "ingress": { "enabled": true }, "databaseCa": "db-ca" })).await;
    let oldest = all["chart"]["kubeVersion"].as_str().unwrap();
    let oldest = oldest.strip_prefix(">=").and_then(|it| it.strip_suffix(".0-0")).unwrap();
    let held = async |manifests: &Value| {
        let input = json!({ "versions": [oldest, "newest"], "manifests": manifests });
        ask(Language::Python, "kubernetes.py", &input).await
    };
    let found = held(&all["manifests"]).await;
    assert_eq!((&found["wrong"], found["held"].as_array().unwrap().len()), (&json!([]), 2 * 4), "{found}");
    // It looks: a field that nobody knows is found.
    let mut wrong = all["manifests"].clone();
    wrong[0]["spec"]["replica"] = json!(3);
    assert_eq!(held(&wrong).await["wrong"].as_array().unwrap().len(), 2);
}

#[test]
fn every_builder_leaves_the_same_files_out() {
    let read = |name: &str| std::fs::read_to_string(folder().join("..").join(name)).unwrap();
    // Docker reads the one, Podman the other.
    assert_eq!(read(".dockerignore"), read(".containerignore"));
    assert!(
        read(".dockerignore").lines().any(|it| it == "deploy/secrets"),
        "secrets would come into the image"
    );
}
