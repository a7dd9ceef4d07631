package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/moby/moby/api/types/jsonstream"
)

// readMessages reads the answer to an image that was sent. Its errors come in it, after the status of success.
func readMessages(body io.Reader) error {
	for decoder := json.NewDecoder(body); ; {
		var message jsonstream.Message
		err := decoder.Decode(&message)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the answer of the engine: %w", err)
		case message.Error != nil:
			return message.Error
		}
	}
}
