//! Ingest jobs go through their states in order, and each row is taken or refused by itself.

use super::super::tests::call;
use super::super::{DuplicateRule, KEY_FIELD, Options};
use super::*;
use crate::service::Service;

const JOBS: &str = "/services/data/v62.0/jobs/ingest";

struct Lab {
    org: Salesforce,
    token: String,
    now: i64,
}

impl Lab {
    fn new(options: Options) -> Self {
        let mut org = Salesforce::new(options);
        let form = "grant_type=client_credentials&client_id=3MVG9sandbox&client_secret=sandbox-secret";
        let reply = org.answer(&super::super::tests::token_call(form, "acme.my.salesforce.com"), 0);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        Self { org, token: body["access_token"].as_str().unwrap().to_owned(), now: 0 }
    }

    fn send(&mut self, method: &str, path: &str, media: &str, body: &str) -> (u16, String) {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("authorization", &*authorization), ("content-type", media)];
        let reply = self.org.answer(&call(method, &format!("{JOBS}{path}"), "", &headers, body), self.now);
        (reply.status.as_u16(), String::from_utf8(reply.body.to_vec()).unwrap())
    }

    fn json(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, body) = self.send(method, path, "application/json", &text);
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    fn open(&mut self) -> String {
        let wish =
            json!({ "object": "Lead", "operation": "insert", "contentType": "CSV", "lineEnding": "LF" });
        let (status, job) = self.json("POST", "", &wish);
        assert_eq!((status, job["state"].as_str()), (200, Some("Open")));
        format!("/{}", job["id"].as_str().unwrap())
    }

    fn upload(&mut self, job: &str, csv: &str) -> u16 {
        self.send("PUT", &format!("{job}/batches"), "text/csv", csv).0
    }

    fn close(&mut self, job: &str) -> (u16, Value) {
        self.json("PATCH", job, &json!({ "state": "UploadComplete" }))
    }

    fn state(&mut self, job: &str) -> String {
        self.json("GET", job, &Value::Null).1["state"].as_str().unwrap().to_owned()
    }
}

fn rows() -> String {
    format!(
        "{KEY_FIELD},LastName,Company,DoNotCall\nk1,\"Lovelace, \"\"Ada\"\"\",Engines,true\nk2,,Engines,\nk1,Other,Engines,\n"
    )
}

#[test]
fn rows_are_taken_or_refused_each_by_itself() {
    let mut lab = Lab::new(Options::default());
    let job = lab.open();
    assert_eq!(lab.upload(&job, &rows()), 201);
    assert!(lab.org.records().is_empty(), "nothing is worked off before the job is closed");
    assert_eq!(lab.close(&job).1["state"], "UploadComplete");
    assert_eq!(lab.send("GET", &format!("{job}/successfulResults"), "", "").0, 400);
    lab.now = 2000;
    assert_eq!(lab.state(&job), "InProgress");
    lab.now = 4000;
    let info = lab.json("GET", &job, &Value::Null).1;
    assert_eq!((&info["state"], &info["numberRecordsProcessed"]), (&json!("JobComplete"), &json!(3)));
    assert_eq!(info["numberRecordsFailed"], 2);
    let written = lab.send("GET", &format!("{job}/successfulResults/"), "", "").1;
    assert!(written.starts_with("\"sf__Id\",\"sf__Created\",\"LeadwireLeadId__c\""), "{written}");
    assert!(written.contains("\"k1\",\"Lovelace, \"\"Ada\"\"\""), "{written}");
    let failed = lab.send("GET", &format!("{job}/failedResults/"), "", "").1;
    assert!(
        failed.contains("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"),
        "{failed}"
    );
    assert!(failed.contains("DUPLICATE_VALUE:"), "{failed}");
    assert_eq!(lab.org.records()[0]["fields"]["DoNotCall"], true);
}

#[test]
fn a_job_takes_one_file_and_only_while_it_is_open() {
    let mut lab = Lab::new(Options::default());
    let job = lab.open();
    assert_eq!(lab.close(&job).0, 400, "there is nothing in it");
    assert_eq!(lab.send("PUT", &format!("{job}/batches"), "application/json", "{}").0, 415);
    assert_eq!((lab.upload(&job, &rows()), lab.upload(&job, &rows())), (201, 400));
    lab.close(&job);
    assert_eq!(lab.close(&job).0, 400);
    let other = lab.open();
    lab.json("PATCH", &other, &json!({ "state": "Aborted" }));
    assert_eq!((lab.upload(&other, &rows()), lab.close(&other).0), (400, 400));
    assert_eq!(lab.json("GET", "/7505e000000ZZZZEAA", &Value::Null).0, 404);
}

#[test]
fn a_job_fails_as_a_whole_and_says_which_rows_it_did_not_come_to() {
    let mut lab = Lab::new(Options { job_fate: JobFate::FailAfter(1), ..Options::default() });
    let job = lab.open();
    lab.upload(&job, &rows());
    lab.close(&job);
    lab.now = 4000;
    assert_eq!(lab.state(&job), "Failed");
    assert_eq!(lab.org.records().len(), 1, "what was written stays");
    let left = lab.send("GET", &format!("{job}/unprocessedrecords"), "", "").1;
    assert_eq!(left.lines().count(), 3, "{left}");
    let unknown = lab.open();
    lab.upload(&unknown, "LastName,Nonsense__c\nA,b\n");
    lab.close(&unknown);
    lab.now += 4000;
    assert_eq!(lab.state(&unknown), "Failed");
}

#[test]
fn what_the_real_org_would_refuse_is_refused() {
    let mut lab = Lab::new(Options { daily_job_records: 3, ..Options::default() });
    let wish = json!({ "object": "Lead", "operation": "insert" });
    for (name, value) in [
        ("object", "Nonsense"),
        ("operation", "merge"),
        ("contentType", "XML"),
        ("nonsense", "x"),
        ("assignmentRuleId", "01Q000000000000"),
    ] {
        let mut bad = wish.clone();
        bad[name] = json!(value);
        assert_eq!(lab.json("POST", "", &bad).0, 400, "{name}");
    }
    let job = lab.open();
    lab.upload(&job, &rows());
    assert_eq!(lab.json("POST", "", &wish).1[0]["errorCode"], "EXCEEDEDQUOTA");
    let mut strict = Lab::new(Options { duplicate_rule: DuplicateRule::Alert, ..Options::default() });
    let job = strict.open();
    let same = "LastName,Company,Email\nA,B,ada@example.com\nC,D,ada@example.com\n";
    strict.upload(&job, same);
    strict.close(&job);
    strict.now = 4000;
    let failed = strict.send("GET", &format!("{job}/failedResults"), "", "").1;
    assert!(strict.state(&job) == "JobComplete" && failed.contains("DUPLICATES_DETECTED"), "{failed}");
}
