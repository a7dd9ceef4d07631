package main

import (
	"fmt"
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

// newLoggers makes one zap logger, as logr for controller-runtime and as slog for Echo.
func newLoggers(cfg *config) (logr.Logger, *slog.Logger, error) {
	level, err := zapcore.ParseLevel(cfg.LogLevel)
	if err != nil {
		return logr.Discard(), nil, fmt.Errorf("parsing LOG_LEVEL: %w", err)
	}
	zc := zap.NewProductionConfig()
	zc.Encoding = cfg.LogFormat
	zc.Level = zap.NewAtomicLevelAt(level)
	zc.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	zc.DisableStacktrace = true
	logger, err := zc.Build()
	if err != nil {
		return logr.Discard(), nil, fmt.Errorf("making the logger: %w", err)
	}
	return zapr.NewLogger(logger), slog.New(zapslog.NewHandler(logger.Core())), nil
}
