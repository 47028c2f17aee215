"""The verdict as JUnit XML with a test case per rule, by Jenkins' junit-10.xsd, which every CI system reads."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # only writes
from typing import TYPE_CHECKING, Any, TextIO

from layerscope.report.parts.findings import image_name
from layerscope.report.words import (
    is_broken,
    is_skipped,
    is_warning,
    one_line,
    rule_sentence,
    rules_of,
)

if TYPE_CHECKING:
    from layerscope.report.document.rows import ReportDocument, RuleRow


class JUnitRenderer:
    """Writes one suite. Without rules it has one skipped case, because CI treats an empty suite as a failed job."""

    def render(self, document: ReportDocument, out: TextIO) -> None:
        rules = rules_of(document)
        failures = sum(is_broken(rule) and not is_warning(rule) for rule in rules)
        skipped = sum(is_skipped(rule) for rule in rules)
        counts = {"tests": str(max(1, len(rules))), "failures": str(failures), "errors": "0"}
        suites = ET.Element("testsuites", {"name": "layerscope", **counts})
        suite = ET.SubElement(
            suites,
            "testsuite",
            {
                "name": one_line(document["image"]["reference"]),
                **counts,
                "skipped": str(skipped) if rules else "1",
            },
        )
        _properties(suite, document)
        name = f"layerscope.{image_name(document)}"
        for rule in rules:
            _case(suite, rule, name)
        if not rules:
            case = ET.SubElement(suite, "testcase", {"name": "budget", "classname": name})
            ET.SubElement(case, "skipped", {"message": "no rule was given"})
        ET.indent(suites)
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        out.write(ET.tostring(suites, encoding="unicode"))
        out.write("\n")


def _properties(suite: ET.Element, document: ReportDocument) -> None:
    properties = ET.SubElement(suite, "properties")
    image, sizes = document["image"], document["sizes"]
    values: dict[str, Any] = {
        "layerscope": document["layerscope"],
        "platform": image["platform"],
        "manifest_digest": image["manifest_digest"],
        "config_digest": image["config_digest"],
        **{f"sizes.{name}": size for name, size in sorted(sizes.items())},
        "efficiency": document["efficiency"],
    }
    for name, value in values.items():
        if value is not None:
            ET.SubElement(properties, "property", {"name": name, "value": one_line(str(value))})


def _case(suite: ET.Element, rule: RuleRow, classname: str) -> None:
    name = one_line(rule["rule"])
    case = ET.SubElement(suite, "testcase", {"name": name, "classname": classname})
    line = rule_sentence(rule)
    message = one_line(rule["message"])
    if is_skipped(rule):
        ET.SubElement(case, "skipped", {"message": message or line})
        return
    if rule["passed"] or is_warning(rule):
        word = "" if rule["passed"] else "warning: "
        output = ET.SubElement(case, "system-out")
        output.text = f"{word}{line}" + (f" ({message})" if message else "")
        return
    failure = ET.SubElement(case, "failure", {"type": name, "message": line})
    failure.text = message or line
