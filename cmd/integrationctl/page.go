package main

import (
	"fmt"
	"io"
	"strings"

	"k8s.io/cli-runtime/pkg/printers"

	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// maxText bounds texts that others wrote, in bytes.
const maxText = 2000

// page writes sections with aligned columns. Its first error stops it.
type page struct {
	out io.Writer
	w   interface {
		io.Writer
		Flush() error
	}
	err error
}

func newPage(out io.Writer) *page { return &page{out: out, w: printers.GetNewTabWriter(out)} }

// section begins a section below an empty line; columns of different sections are not aligned with each other.
func (p *page) section(title string) {
	_ = p.flush() // the last flush returns the error
	p.w = printers.GetNewTabWriter(p.out)
	p.text("\n" + title)
}

// row writes cells. Texts of others become harmless for a terminal and stay in one line.
func (p *page) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = printable.Text(cell, maxText)
	}
	p.text("  " + strings.Join(cells, "\t"))
}

// field writes a name and a value, unless the value is empty.
func (p *page) field(name, value string) {
	if value != "" {
		p.row(name+":", value)
	}
}

// text writes a line as it is.
func (p *page) text(line string) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.TrimRight(line, "\t"))
	}
}

func (p *page) flush() error {
	if p.err == nil {
		p.err = p.w.Flush()
	}
	return p.err
}
