//! Node-RED, into which publishers pour leads by an `http in` node, with a flow of the test.

use super::process::Process;
use super::{Language, command, installed, script_path};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

/// What stands before a request in Node-RED's log.
const RECEIVED: &str = "received ";

/// A running Node-RED with one flow. Dropping it ends it.
pub struct NodeRed {
    address: SocketAddr,
    process: Process,
}

impl NodeRed {
    /// Starts it on a free port of the loopback interface with these nodes, as its editor exports them. All it
    /// writes is in the folder.
    pub async fn start(folder: &Path, flow: &Value) -> Self {
        let flows = folder.join("flows.json");
        std::fs::write(&flows, flow.to_string()).expect("the folder can be written");
        let mut command = command(Language::Node);
        command
            .arg("--require")
            .arg(script_path("tell_port.cjs"))
            .arg(installed().join("node_modules/node-red/red.js"))
            .arg("--settings")
            .arg(script_path("node_red_settings.cjs"))
            .arg("--userDir")
            .arg(folder)
            .arg(flows)
            .env("HOME", folder)
            .current_dir(folder);
        let process = Process::start("Node-RED", &mut command, "").await;
        // It listens before it knows the addresses of its flow.
        process.wait_for_lines("Started flows", 1).await;
        Self { address: process.address().await, process }
    }

    /// A flow that takes `POST /leads`, notes the request, and answers as the body of this JavaScript function says.
    ///
    /// The code is given `msg` (sets `msg.statusCode`, `msg.headers`, `msg.payload`) and `call`, which counts from 1.
    pub fn flow_answering(code: &str) -> Value {
        let note = "const call = (context.get('calls') || 0) + 1;\n\
                    context.set('calls', call);\n\
                    node.log('received ' + JSON.stringify({ headers: msg.req.headers, body: msg.payload }));\n";
        json!([
            { "id": "tab", "type": "tab", "label": "Leads" },
            { "id": "in", "type": "http in", "z": "tab", "url": "/leads", "method": "post", "wires": [["judge"]] },
            { "id": "judge", "type": "function", "z": "tab", "func": format!("{note}{code}\nreturn msg;"),
              "outputs": 1, "wires": [["out"]] },
            { "id": "out", "type": "http response", "z": "tab", "wires": [] },
        ])
    }

    /// The address of the `http in` node with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until a flow of [`NodeRed::flow_answering`] has noted so many requests, and gives back all: `headers`
    /// and the `body` as Node-RED parsed it.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn wait_for_received(&self, count: usize) -> Vec<Value> {
        let lines = self.process.wait_for_lines(RECEIVED, count).await;
        lines.iter().map(|it| serde_json::from_str(it).expect("the flow notes JSON")).collect()
    }
}
