// How Node-RED runs in tests: flows only. It writes into its own folder, asks nobody on the network, and has no editor.

module.exports = {
  uiHost: "127.0.0.1",
  uiPort: 0,
  disableEditor: true,
  httpAdminRoot: false,
  credentialSecret: false,
  telemetry: { enabled: false, updateNotification: false },
  externalModules: {
    autoInstall: false,
    palette: { allowInstall: false, allowUpdate: false, allowUpload: false },
    modules: { allowInstall: false },
  },
  logging: { console: { level: "info", metrics: false, audit: false } },
};
