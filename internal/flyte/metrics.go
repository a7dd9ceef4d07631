package flyte

import (
	"context"
	"path"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// measureCalls returns an interceptor that measures each call, gRPC's own retries included. The methods are those that the client calls.
func measureCalls(r prometheus.Registerer) grpc.UnaryClientInterceptor {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "workspace_flyte_flyte_calls_seconds",
		Help:    "Seconds of a call of Flyte, by method and gRPC code.",
		Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "code"})
	r.MustRegister(seconds)
	return func(
		ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		began := time.Now()
		err := invoke(ctx, method, request, response, conn, options...)
		seconds.WithLabelValues(path.Base(method), status.Code(err).String()).Observe(time.Since(began).Seconds())
		return err
	}
}
