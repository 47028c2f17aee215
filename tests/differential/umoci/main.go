// Unpacks stacks of layers with umoci's own code, as `umoci unpack` does: one JSON string for each stack, with the error
// that ended it, or an empty one. Argument: the folder, where the first stack goes to 0, the next one to 1, and so on.
//
// On stdin: for each stack the number of its layers, and each layer behind its length (8 bytes each, big endian).
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/umoci/oci/layer"
)

func unpack(root string, layers [][]byte) error {
	if err := os.Mkdir(root, 0755); err != nil {
		return err
	}
	for _, data := range layers {
		if err := layer.UnpackLayer(root, bytes.NewReader(data), &layer.UnpackOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func number(input io.Reader) (uint64, error) {
	var found uint64
	err := binary.Read(input, binary.BigEndian, &found)
	return found, err
}

func stack(input io.Reader) ([][]byte, error) {
	count, err := number(input)
	if err != nil {
		return nil, err
	}
	layers := make([][]byte, count)
	for at := range layers {
		length, err := number(input)
		if err != nil {
			return nil, err
		}
		layers[at] = make([]byte, length)
		if _, err := io.ReadFull(input, layers[at]); err != nil {
			return nil, err
		}
	}
	return layers, nil
}

func main() {
	input := bufio.NewReader(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	for place := 0; ; place++ {
		layers, err := stack(input)
		if err != nil {
			return
		}
		said := ""
		if err := unpack(filepath.Join(os.Args[1], strconv.Itoa(place)), layers); err != nil {
			said = err.Error()
		}
		if output.Encode(said) != nil {
			return
		}
	}
}
