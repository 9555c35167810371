//! Batch calls of a simulated HubSpot account: one verdict for each input, or one for all of them.

use super::HubSpot;
use super::contacts::Problem;
use crate::service::{Call, Reply};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Most inputs of a batch (HubSpot, batch endpoints).
const INPUTS_MAX: usize = 100;

impl HubSpot {
    pub(super) fn batch(&mut self, verb: &str, call: &Call, now: i64) -> Reply {
        let inputs = match self.inputs(call) {
            Ok(inputs) => inputs,
            Err(reply) => return *reply,
        };
        if let Some(refused) = self.refuse_repeated(verb, &inputs) {
            return refused;
        }
        if verb == "read" {
            return self.read_batch(call, &inputs);
        }
        if !matches!(verb, "create" | "update" | "upsert") {
            return self.error(404, "OBJECT_NOT_FOUND", "resource not found");
        }
        // Partial success is for batches whose every input has a trace id of its own.
        let traces: HashSet<&str> =
            inputs.iter().filter_map(|it| it["objectWriteTraceId"].as_str()).collect();
        let is_traced = traces.len() == inputs.len();
        if !is_traced && let Some(problem) = self.first_problem(verb, &inputs) {
            return self.error(problem.status, problem.category, &problem.message);
        }
        let outcomes: Vec<Result<Value, Problem>> =
            inputs.iter().map(|it| self.write_input(verb, it, now)).collect();
        let status = if verb == "create" { 201 } else { 200 };
        finish(&inputs, outcomes, status)
    }

    /// Every second input is refused, and the others are written.
    pub(super) fn partial(&mut self, call: &Call, now: i64) -> Reply {
        let verb = call.path.rsplit('/').next().unwrap_or_default().to_owned();
        let inputs = match self.inputs(call) {
            Ok(inputs) => inputs,
            Err(reply) => return *reply,
        };
        let mut outcomes = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            outcomes.push(if at % 2 == 1 {
                Err(Problem {
                    status: 400,
                    category: "VALIDATION_ERROR",
                    message: "Property value \"x\" is not a valid email".to_owned(),
                })
            } else {
                self.write_input(&verb, input, now)
            });
        }
        finish(&inputs, outcomes, 200)
    }

    pub(super) fn inputs(&mut self, call: &Call) -> Result<Vec<Value>, Box<Reply>> {
        let inputs = call.json().and_then(|it| it["inputs"].as_array().cloned());
        let Some(inputs) = inputs else {
            return Err(Box::new(self.error(
                400,
                "VALIDATION_ERROR",
                "Invalid input JSON on line 1, column 1",
            )));
        };
        if inputs.is_empty() || inputs.len() > INPUTS_MAX {
            let message = format!("The inputs must have between 1 and {INPUTS_MAX} entries");
            return Err(Box::new(self.error(400, "VALIDATION_ERROR", &message)));
        }
        Ok(inputs)
    }

    fn refuse_repeated(&mut self, verb: &str, inputs: &[Value]) -> Option<Reply> {
        let key = |it: &Value| match verb {
            "create" => it["properties"]["email"].as_str().map(str::to_lowercase),
            _ => it["id"].as_str().map(str::to_lowercase),
        };
        let mut seen = HashSet::new();
        let repeated = inputs.iter().filter_map(key).find(|it| !seen.insert(it.clone()))?;
        let body = json!({
            "status": "error",
            "message": format!("Duplicate IDs found in batch input: [{repeated}]. IDs must be unique"),
            "correlationId": self.correlation(),
            "category": "VALIDATION_ERROR",
            "context": { "ids": [repeated] },
        });
        Some(Reply::json(400, &body))
    }

    fn read_batch(&mut self, call: &Call, inputs: &[Value]) -> Reply {
        let body = call.json().unwrap_or_default();
        let property = body["idProperty"].as_str();
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for input in inputs {
            let id = input["id"].as_str().unwrap_or_default();
            match self.contacts.find(property, id) {
                Some(at) => results.push(self.contacts.shape(at)),
                None => missing.push(json!(id)),
            }
        }
        read(results, missing, "CONTACT")
    }

    /// What is wrong with the first bad input, before anything is written.
    fn first_problem(&mut self, verb: &str, inputs: &[Value]) -> Option<Problem> {
        inputs.iter().find_map(|input| match self.place(verb, input) {
            Err(problem) => Some(problem),
            Ok(_) => self.contacts.refusal(&input["properties"]),
        })
    }

    fn write_input(&mut self, verb: &str, input: &Value, now: i64) -> Result<Value, Problem> {
        let place = self.place(verb, input)?;
        let (at, is_new) = match place {
            Some(at) => {
                self.contacts.update(at, &input["properties"], now)?;
                (at, false)
            }
            None => (self.contacts.create(&input["properties"], now)?, true),
        };
        let mut result = self.contacts.shape(at);
        result["new"] = json!(is_new);
        result["objectWriteTraceId"] = input["objectWriteTraceId"].clone();
        Ok(result)
    }

    /// The contact an input is about; none when one is to be made.
    fn place(&self, verb: &str, input: &Value) -> Result<Option<usize>, Problem> {
        if verb == "create" {
            return Ok(None);
        }
        let bad = |message: String| Problem { status: 400, category: "VALIDATION_ERROR", message };
        let id = input["id"].as_str().ok_or_else(|| bad("Invalid input JSON: id is required".to_owned()))?;
        let property = input["idProperty"].as_str();
        if let Some(property) = property.filter(|it| !self.contacts.is_unique(it)) {
            return Err(bad(format!(
                "Unable to perform update/upsert by non-unique 0-1 property {property}"
            )));
        }
        match (verb, property) {
            ("upsert", None) => Err(bad("idProperty is required for upsert".to_owned())),
            ("upsert", Some(property)) => Ok(self.contacts.find(Some(property), id)),
            _ => match self.contacts.find(property, id) {
                Some(at) => Ok(Some(at)),
                None => Err(Problem {
                    status: 404,
                    category: "OBJECT_NOT_FOUND",
                    message: "resource not found".to_owned(),
                }),
            },
        }
    }
}

/// What was read, in another order than asked, and 207 with those that are not there.
pub(super) fn read(mut results: Vec<Value>, missing: Vec<Value>, kind: &str) -> Reply {
    results.reverse();
    let mut answer = json!({ "status": "COMPLETE", "results": results });
    if missing.is_empty() {
        return Reply::json(200, &answer);
    }
    answer["numErrors"] = json!(1);
    answer["errors"] = json!([{
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": format!(
            "Could not get some {kind} objects, they may be deleted or not exist. Check that ids are valid."
        ),
        "context": { "ids": missing },
    }]);
    Reply::json(207, &answer)
}

/// Results in another order than asked, and 207 when some were refused.
pub(super) fn finish(inputs: &[Value], outcomes: Vec<Result<Value, Problem>>, status: u16) -> Reply {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for (input, outcome) in inputs.iter().zip(outcomes) {
        match outcome {
            Ok(result) => results.push(result),
            Err(problem) => errors.push(json!({
                "status": "error",
                "category": problem.category,
                "message": problem.message,
                "context": { "objectWriteTraceId": [input["objectWriteTraceId"]] },
            })),
        }
    }
    results.reverse();
    let mut answer = json!({ "status": "COMPLETE", "results": results });
    if errors.is_empty() {
        return Reply::json(status, &answer);
    }
    answer["numErrors"] = json!(errors.len());
    answer["errors"] = json!(errors);
    Reply::json(207, &answer)
}
