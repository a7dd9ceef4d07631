package main

import (
	"fmt"
	"log/slog"
	"math"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zapgrpc"
	"google.golang.org/grpc/grpclog"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// newLogger makes the one logger of the process.
func newLogger(cfg *config) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(cfg.LogLevel)
	if err != nil {
		return nil, fmt.Errorf("parsing LOG_LEVEL: %w", err)
	}
	zc := zap.NewProductionConfig()
	zc.Encoding = cfg.LogFormat
	zc.Level = zap.NewAtomicLevelAt(level)
	zc.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	zc.DisableStacktrace = true
	zc.Sampling = nil // a burst of events is a line for each
	logger, err := zc.Build()
	if err != nil {
		return nil, fmt.Errorf("making the logger: %w", err)
	}
	return logger, nil
}

// never is above every level: a stack trace says nothing that the message does not.
const never = slog.Level(math.MaxInt)

// useLogger gives the logger as logr for controller-runtime and as slog for Echo, and sends to it what libraries log by
// themselves: client-go, gRPC, and users of slog's default or the log package. So every line has the form of
// LOG_FORMAT.
func useLogger(logger *zap.Logger) (log logr.Logger, slogger *slog.Logger) {
	log, slogger = zapr.NewLogger(logger), slog.New(zapslog.NewHandler(logger.Core(), zapslog.AddStacktraceAt(never)))
	ctrl.SetLogger(log)
	klog.SetLoggerWithOptions(log, klog.ContextualLogger(true))
	slog.SetDefault(slogger)
	grpclog.SetLoggerV2(zapgrpc.NewLogger(logger.WithOptions(zap.IncreaseLevel(zap.ErrorLevel)))) // as much as it logs unasked
	return log, slogger
}
