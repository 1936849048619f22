// Knative Serving: the newest release whose programs build from modules alone.
module gaia.test/knative

go 1.26.0

tool (
	knative.dev/serving/cmd/activator
	knative.dev/serving/cmd/autoscaler
	knative.dev/serving/cmd/controller
	knative.dev/serving/cmd/queue
	knative.dev/serving/cmd/webhook
)

require knative.dev/serving v0.42.2

replace github.com/gorilla/websocket => github.com/gorilla/websocket v1.5.0
