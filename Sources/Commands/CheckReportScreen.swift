internal import ArgumentParser
internal import Builder
internal import Dockerfile
internal import Engine
internal import Foundation
internal import ImageSpec

/// What `build --check` prints.
struct CheckReportScreen {
    /// Docker's page about a check.
    private static let pages = "https://docs.docker.com/go/dockerfile/rule/"

    let call: BuildCall

    /// - Throws: exit code 1 where the Dockerfile cannot be built, and for findings, as buildx.
    func show(
        _ engine: Engine, _ options: BuildOptions, _ location: ContextLocation
    ) throws {
        let report: CheckReport
        do {
            report = try engine.check(
                options, context: location,
                environment: ProcessInfo.processInfo.environment)
        } catch let error as BuildError {
            Terminal.writeError("\(error.rendered(isTerminal: Terminal.errorIsTerminal))\n")
            throw ExitCode(1)
        }
        if call.isJSON {
            Terminal.write(Self.json(report), indent: 2)
        } else {
            Self.write(report)
        }
        if let error = report.error { Terminal.writeError("\(error.message)\n") }
        if !report.findings.isEmpty, !call.ignoresStatus { throw ExitCode(1) }
    }

    private static func write(_ report: CheckReport) {
        Terminal.write(headline(report.findings.count))
        for finding in report.findings {
            var place = BuildError(.checksFailed, finding.message, at: finding.range)
            place.dockerfile = report.dockerfile
            let rule = finding.code.rawValue
            Terminal.write(
                "\nWARNING: \(rule) - \(pages)\(slug(rule))/\n\(place.rendered())\n")
        }
    }

    /// With BuildKit's names.
    private static func json(_ report: CheckReport) -> JSONValue {
        func position(_ position: SourcePosition) -> JSONValue {
            .object(
                JSONObject([
                    .init("line", JSONValue(Int64(position.line))),
                    .init("character", JSONValue(Int64(position.column - 1))),
                ]))
        }
        let warnings = report.findings.map { finding in
            let rule = finding.code.rawValue
            let range = JSONObject([
                .init("start", position(finding.range.start)),
                .init("end", position(finding.range.end)),
            ])
            return JSONValue.object(
                JSONObject([
                    .init("ruleName", .string(rule)),
                    .init("url", .string("\(pages)\(slug(rule))/")),
                    .init("detail", .string(finding.message)),
                    .init(
                        "location",
                        .object(JSONObject([.init("ranges", .array([.object(range)]))]))),
                ]))
        }
        return .object(JSONObject([.init("warnings", .array(warnings))]))
    }

    private static func headline(_ count: Int) -> String {
        switch count {
        case 0: "Check complete, no warnings found.\n"
        case 1: "Check complete, 1 warning has been found!\n"
        default: "Check complete, \(count) warnings have been found!\n"
        }
    }

    /// `JSONArgsRecommended` as `json-args-recommended`.
    static func slug(_ name: String) -> String {
        let letters = Array(name)
        var text = ""
        for (index, letter) in letters.enumerated() {
            if index > 0, letter.isUppercase {
                let followsWord = letters[index - 1].isLowercase
                let beginsWord = index + 1 < letters.count && letters[index + 1].isLowercase
                if followsWord || beginsWord { text += "-" }
            }
            text += letter.lowercased()
        }
        return text
    }
}
