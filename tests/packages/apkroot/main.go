// Installs apk packages into a root, as apko does, and prints what its database then says.
//
// Arguments: the root, and the files of the packages.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"chainguard.dev/apko/pkg/apk/apk"
	apkfs "chainguard.dev/apko/pkg/apk/fs"
)

type local struct{ path, name, checksum string }

func (l local) URL() string            { return l.path }
func (l local) PackageName() string    { return l.name }
func (l local) ChecksumString() string { return l.checksum }

type installed struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Files   []string `json:"files"`
}

func run(root string, paths []string) error {
	ctx := context.Background()
	db, err := apk.New(apk.WithFS(apkfs.DirFS(root)), apk.WithArch("x86_64"), apk.WithIgnoreMknodErrors(true))
	if err != nil {
		return err
	}
	if err := db.InitDB(ctx); err != nil {
		return err
	}
	var wanted []apk.InstallablePackage
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		pkg, err := apk.ParsePackage(ctx, file, 0)
		file.Close()
		if err != nil {
			return err
		}
		sum := "Q1" + base64.StdEncoding.EncodeToString(pkg.Checksum)
		wanted = append(wanted, local{path, pkg.Name, sum})
	}
	if err := db.InstallPackages(ctx, nil, wanted); err != nil {
		return err
	}
	found, err := db.GetInstalled()
	if err != nil {
		return err
	}
	var rows []installed
	for _, each := range found {
		row := installed{Name: each.Name, Version: each.Version}
		for _, file := range each.Files {
			row.Files = append(row.Files, file.Name)
		}
		rows = append(rows, row)
	}
	return json.NewEncoder(os.Stdout).Encode(rows)
}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
