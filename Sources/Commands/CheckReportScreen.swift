internal import ArgumentParser
internal import Builder
internal import Dockerfile
internal import Engine
internal import Foundation

/// What `build --check` prints.
struct CheckReportScreen {
    /// Docker's page about a check.
    private static let pages = "https://docs.docker.com/go/dockerfile/rule/"

    /// - Throws: exit code 1 where the Dockerfile cannot be built, or calls findings an error.
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
        Terminal.write(Self.headline(report.findings.count))
        for finding in report.findings {
            var place = BuildError(.checksFailed, finding.message, at: finding.range)
            place.dockerfile = report.dockerfile
            let rule = finding.code.rawValue
            Terminal.write(
                "\nWARNING: \(rule) - \(Self.pages)\(Self.slug(rule))/\n\(place.rendered())\n")
        }
        guard let error = report.error else { return }
        Terminal.writeError("\(error.message)\n")
        throw ExitCode(1)
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
