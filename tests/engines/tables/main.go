// Writes a tar as a layer with a table of contents, with the libraries that builders use, and prints the annotations.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/containers/storage/pkg/chunked/compressor"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	form := os.Args[1]
	in, err := os.Open(os.Args[2])
	check(err)
	out, err := os.Create(os.Args[3])
	check(err)
	annotations := map[string]string{}
	switch form {
	case "estargz", "estargz-shared":
		status, err := in.Stat()
		check(err)
		options := []estargz.Option{}
		if form == "estargz-shared" {
			options = append(options, estargz.WithChunkSize(50000), estargz.WithMinChunkSize(20000))
		}
		blob, err := estargz.Build(io.NewSectionReader(in, 0, status.Size()), options...)
		check(err)
		_, err = io.Copy(out, blob)
		check(err)
		check(blob.Close())
		annotations[estargz.TOCJSONDigestAnnotation] = blob.TOCDigest().String()
	case "estargz-lossless":
		writer := estargz.NewWriterLevel(out, 6)
		check(writer.AppendTarLossLess(in))
		digest, err := writer.Close()
		check(err)
		annotations[estargz.TOCJSONDigestAnnotation] = digest.String()
	case "zstd-chunked":
		level := 3
		writer, err := compressor.ZstdCompressor(out, annotations, &level)
		check(err)
		_, err = io.Copy(writer, in)
		check(err)
		check(writer.Close())
	}
	check(out.Close())
	check(json.NewEncoder(os.Stdout).Encode(annotations))
}
