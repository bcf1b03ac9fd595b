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
            if call.isJSON { Terminal.write(Self.json(nil, error), indent: 2) }
            Self.report(error)
            throw ExitCode(1)
        }
        if call.isJSON {
            Terminal.write(Self.json(report, report.error), indent: 2)
        } else {
            Self.write(report)
        }
        guard let error = report.error else {
            if !report.findings.isEmpty, !call.ignoresStatus { throw ExitCode(1) }
            return
        }
        if error.code == .checksFailed {
            Terminal.writeError("\(error.message)\n")
            if call.ignoresStatus { return }
        } else {
            Self.report(error)
        }
        throw ExitCode(1)
    }

    private static func report(_ error: BuildError) {
        Terminal.writeError("\(error.rendered(isTerminal: Terminal.errorIsTerminal))\n")
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
    private static func json(_ report: CheckReport?, _ error: BuildError?) -> JSONValue {
        var object = JSONObject()
        object["warnings"] = report.map { .array($0.findings.map(json)) } ?? .null
        object["sources"] = (report?.dockerfile ?? error?.dockerfile).map { file in
            let source = JSONObject([
                .init("filename", .string(file.name)),
                .init("data", .string(Data(file.bytes).base64EncodedString())),
                .init("language", .string("Dockerfile")),
            ])
            return .array([.object(source)])
        }
        if let error {
            var failure = JSONObject([.init("message", .string(error.message))])
            failure["location"] = error.range.map { .lines(of: $0) }
            object["buildError"] = .object(failure)
        }
        return .object(object)
    }

    private static func json(_ finding: DockerfileWarning) -> JSONValue {
        let rule = finding.code.rawValue
        return .object(
            JSONObject([
                .init("ruleName", .string(rule)),
                .init("description", .string(finding.code.summary)),
                .init("url", .string("\(pages)\(slug(rule))/")),
                .init("detail", .string(finding.message)),
                .init("location", .lines(of: finding.range)),
            ]))
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

extension JSONValue {
    /// A place in a Dockerfile: a range for each line, as BuildKit has it.
    static func lines(of range: SourceRange) -> JSONValue {
        let ranges = (range.start.line...range.end.line).map { line -> JSONValue in
            let place = JSONValue.object(JSONObject([.init("line", JSONValue(Int64(line)))]))
            return .object(JSONObject([.init("start", place), .init("end", place)]))
        }
        return .object(JSONObject([.init("ranges", .array(ranges))]))
    }

    /// The Dockerfile that places are in, as BuildKit has it: bytes, in base 64.
    static func sources(_ file: DockerfileText) -> JSONValue {
        .array([.string(Data(file.bytes).base64EncodedString())])
    }
}
