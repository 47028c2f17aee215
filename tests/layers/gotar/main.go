// Reads tars with archive/tar, as every engine does, and says what it found: one JSON line for each tar on stdin,
// which stand one after another, each behind its length (8 bytes, big endian).
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"io"
	"os"
)

type member struct {
	Flag    int    `json:"flag"`
	Name    string `json:"name"`
	Link    string `json:"link"`
	Size    int64  `json:"size"`
	Mode    int64  `json:"mode"`
	UID     int    `json:"uid"`
	GID     int    `json:"gid"`
	Mtime   int64  `json:"mtime"`
	Major   int64  `json:"major"`
	Minor   int64  `json:"minor"`
	Read    int64  `json:"read"`
	Content uint32 `json:"content"`
}

type result struct {
	Members []member `json:"members"`
	Error   string   `json:"error"`
}

const limit = 1 << 22

func read(data []byte) (out result) {
	out.Members = []member{}
	archive := tar.NewReader(bytes.NewReader(data))
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			out.Error = err.Error()
			return
		}
		hash := crc32.NewIEEE()
		count, err := io.Copy(hash, io.LimitReader(archive, limit))
		if err != nil {
			out.Error = err.Error()
			return
		}
		out.Members = append(out.Members, member{
			int(header.Typeflag), hex.EncodeToString([]byte(header.Name)), hex.EncodeToString([]byte(header.Linkname)),
			header.Size, header.Mode, header.Uid, header.Gid, header.ModTime.Unix(), header.Devmajor, header.Devminor,
			count, hash.Sum32(),
		})
	}
}

func main() {
	input := bufio.NewReader(os.Stdin)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	for {
		var length uint64
		if binary.Read(input, binary.BigEndian, &length) != nil {
			return
		}
		data := make([]byte, length)
		if _, err := io.ReadFull(input, data); err != nil {
			return
		}
		if encoder.Encode(read(data)) != nil {
			return
		}
	}
}
