internal import ArgumentParser
internal import Builder
internal import Dockerfile
internal import Engine
internal import Foundation
internal import ImageSpec

/// What `build --call=outline` and `--call=targets` print, as buildx has it.
struct BuildCallScreen {
    let engine: Engine
    let options: BuildOptions
    let location: ContextLocation
    let call: BuildCall

    /// - Throws: exit code 1 where the Dockerfile cannot be built, and for findings of checks.
    func show() throws {
        let environment = ProcessInfo.processInfo.environment
        do {
            switch call.method {
            case .outline:
                let (outline, file) = try engine.outline(
                    options, context: location, environment: environment)
                show(outline, of: file)
            case .targets:
                let (stages, file) = try engine.targets(
                    options, context: location, environment: environment)
                show(stages, of: file)
            case .check:
                try CheckReportScreen(call: call).show(engine, options, location)
            case .build: break
            }
        } catch let error as BuildError {
            Terminal.writeError("\(error.rendered(isTerminal: Terminal.errorIsTerminal))\n")
            throw ExitCode(1)
        }
    }

    // MARK: - Outline

    private func show(_ outline: StageOutline, of file: DockerfileText) {
        if call.isJSON { return Terminal.write(.object(Self.json(outline, file)), indent: 2) }
        var parts: [String] = []
        var head = "TARGET:   \(outline.name ?? "default")\n"
        if let text = outline.description {
            head = "TARGET:        \(outline.name ?? "default")\nDESCRIPTION:   \(text.visible)\n"
        }
        if outline.name != nil || outline.description != nil { parts.append(head) }
        if !outline.arguments.isEmpty {
            var table = Table(["BUILD ARG", "VALUE", "DESCRIPTION"])
            for argument in outline.arguments {
                table.append([
                    argument.name, (argument.value ?? "").visible,
                    (argument.description ?? "").visible,
                ])
            }
            parts.append(table.text)
        }
        for (heading, needs) in [("SECRET", outline.secrets), ("SSH", outline.agents)]
        where !needs.isEmpty {
            var table = Table([heading, "REQUIRED"])
            for need in needs { table.append([need.id.visible, need.isRequired ? "true" : ""]) }
            parts.append(table.text)
        }
        if !outline.caches.isEmpty {
            var table = Table(["CACHE MOUNT"])
            for cache in outline.caches { table.append([cache.visible]) }
            parts.append(table.text)
        }
        Terminal.write(parts.joined(separator: "\n"))
    }

    private static func json(_ outline: StageOutline, _ file: DockerfileText) -> JSONObject {
        var object = JSONObject()
        object["name"] = outline.name.map { .string($0) }
        object["description"] = outline.description.map { .string($0) }
        object["args"] = .array(
            outline.arguments.map { argument in
                var object = JSONObject()
                object["name"] = .string(argument.name)
                object["description"] = argument.description.map { .string($0) }
                object["value"] = argument.value.map { .string($0) }
                object["location"] = .lines(of: argument.range)
                return .object(object)
            })
        func needs(_ needs: [StageOutline.Need]) -> JSONValue {
            .array(
                needs.map { need in
                    var object = JSONObject()
                    object["name"] = .string(need.id)
                    if need.isRequired { object["required"] = .bool(true) }
                    object["location"] = .lines(of: need.range)
                    return .object(object)
                })
        }
        object["secrets"] = needs(outline.secrets)
        object["ssh"] = needs(outline.agents)
        object["cache"] = .array(
            outline.caches.map { .object(JSONObject([.init("id", .string($0))])) })
        object["sources"] = .sources(file)
        return object
    }

    // MARK: - Targets

    private func show(_ stages: [Stage], of file: DockerfileText) {
        if call.isJSON { return Terminal.write(.object(Self.json(stages, file)), indent: 2) }
        var table = Table(["TARGET", "DESCRIPTION"])
        for stage in stages {
            let isDefault = stage.index == stages.count - 1
            var name = stage.name ?? ""
            if isDefault { name += name.isEmpty ? "(default)" : " (default)" }
            table.append([name, (stage.description ?? "").visible])
        }
        Terminal.write(table.text)
    }

    private static func json(_ stages: [Stage], _ file: DockerfileText) -> JSONObject {
        var object = JSONObject()
        object["targets"] = .array(
            stages.map { stage in
                var object = JSONObject()
                object["name"] = stage.name.map { .string($0) }
                if stage.index == stages.count - 1 { object["default"] = .bool(true) }
                object["description"] = stage.description.map { .string($0) }
                object["base"] = .string(stage.from.base)
                object["platform"] = stage.from.platform.map { .string($0) }
                object["location"] = .lines(of: stage.fromInstruction.range)
                return .object(object)
            })
        object["sources"] = .sources(file)
        return object
    }
}
