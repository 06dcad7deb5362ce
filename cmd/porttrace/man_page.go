package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/roff"
)

// manName returns the name of a page: porttrace, porttrace-record.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage returns the page of a command: what --help prints, in its groups, with the exit status.
func manPage(cmd *cobra.Command) *roff.Page {
	page := roff.New(manName(cmd), manSection, releaseDay, "porttrace "+versionString())
	page.Name(manName(cmd), strings.ToLower(cmd.Short[:1])+cmd.Short[1:])
	page.Section("synopsis")
	page.Paragraphs(cmd.UseLine())
	if !cmd.HasParent() {
		page.Paragraphs("\n\n" + cmd.Name() + " COMMAND [flags]")
	}
	page.Section("description")
	page.Paragraphs(longText(cmd))
	if cmd.Example != "" {
		page.Section("examples")
		page.Literal(strings.TrimRight(cmd.Example, "\n"))
	}
	addManCommands(page, cmd)
	for _, group := range flagGroups {
		addManFlags(page, cmd, group)
	}
	if _, ok := cmd.Annotations[configKey]; ok {
		page.Section("files")
		page.Item("/etc/porttrace/porttrace.conf", configText)
	}
	page.Section("exit status")
	page.Paragraphs(exitText(cmd.Name()))
	page.Section("see also")
	page.Paragraphs(seeAlso(cmd))
	return page
}

// configText is the format of a file for --config.
const configText = `The settings of the service, which --config reads: a section in brackets
for each command, as [record], with lines FLAG = VALUE, as in ring = 10m. The flags are written
without dashes; one that takes no value is true or false. A flag that can be given several times takes
several lines, or values with commas between them. What follows a # after a blank is a comment.`

func addManCommands(page *roff.Page, cmd *cobra.Command) {
	if cmd.HasParent() {
		if cmd.HasSubCommands() {
			page.Section("shells") // only completion has any
		}
		for _, c := range cmd.Commands() {
			page.Item(c.Name(), c.Short)
		}
		return
	}
	page.Section("commands")
	for _, group := range commandGroups {
		page.Subsection(group.title)
		for _, name := range group.commands {
			if c := commandNamed(cmd, name); c != nil {
				page.Item(name, c.Short)
			}
		}
	}
}

func addManFlags(page *roff.Page, cmd *cobra.Command, group string) {
	list := flagsOf(cmd, group)
	if len(list) > 0 {
		page.Section(group)
	}
	for _, flag := range list {
		head, help := flagHelp(flag)
		page.Item(strings.TrimSpace(head), help)
	}
}

// exitText says with which status a command ends.
func exitText(name string) string {
	switch name {
	case "doctor":
		return "That of a monitoring plugin: 0 nothing is wrong, 1 warning, 2 critical, 3 it could not be judged or the command line is wrong."
	case "report":
		return "0 done, 1 it could not be done, 2 the command line is wrong. With --fail-on that of a monitoring plugin: 0, 1 warning, 2 critical, 3 unknown."
	}
	return "0 done, 1 it could not be done, 2 the command line is wrong."
}

// seeAlso names the other pages: of porttrace all, of a command that of porttrace.
func seeAlso(cmd *cobra.Command) string {
	others := []string{cmd.Root().Name()}
	if !cmd.HasParent() {
		others = nil
		for _, name := range manCommands(cmd) {
			others = append(others, cmd.Name()+"-"+name)
		}
	}
	return strings.Join(others, "("+manSection+"), ") + "(" + manSection + ")"
}
