// For those who deploy mixins with jsonnet. The YAML and JSON files beside this one are the source;
// this only puts them where a mixin's users look for them.
{
  _config+:: {
    // Which processes the alerts speak of.
    selector: 'job="quell"',
    // Where the pages of the alerts are, with a `/` at the end: the address of a checkout, say.
    runbooks: 'docs/runbooks/',
  },

  local located(text) = std.strReplace(text, 'docs/runbooks/', $._config.runbooks),
  local selected(text) = std.strReplace(text, 'job="quell"', $._config.selector),

  // Dashboards ask which processes to show.
  grafanaDashboards+:: {
    'quell-pipeline-health.json':
      std.parseJson(located(importstr 'dashboards/pipeline-health.json')),
    'quell-contact-reasons.json':
      std.parseJson(located(importstr 'dashboards/contact-reasons.json')),
  },

  prometheusAlerts+:: {
    groups+: std.parseYaml(selected(located(importstr 'alerts.yaml'))).groups,
  },

  // The panels ask for a few dozen series at most: nothing that is worth recording.
  prometheusRules+:: {
    groups+: [],
  },
}
