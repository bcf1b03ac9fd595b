internal import FileTree
internal import ImageSpec
internal import Layers
internal import Store

/// The end of a build for several platforms: an index of its images, or the files of each in a
/// directory of its own, `linux_amd64`.
struct PlatformExport {
    private let builds: [(run: BuildRun, state: StageState)]

    /// - Parameter builds: two or more, each for another platform.
    init(_ builds: [(run: BuildRun, state: StageState)]) { self.builds = builds }

    private var first: BuildRun { builds[0].run }
    private var options: BuildOptions { first.options }
    private var store: Store { first.store }

    /// - Parameter number: of the step that makes the first image; those of the others follow, then
    ///   those of the outputs.
    /// - Throws: `outputFailed`, with the output; what recording an image throws.
    func export(number: Int) throws -> BuildResult {
        var number = number
        let wantsImages = !options.outputs.allSatisfy(\.takesFilesOnly)
        let before = wantsImages ? Set(try store.images().map(\.id)) : []
        var results: [BuildResult] = []
        defer {
            // What was there stays. One that cannot be removed now is a nameless image.
            for result in results where wantsImages && !before.contains(result.image) {
                try? store.removeUnnamedImage(result.image)
            }
        }
        for (run, state) in builds {
            let assembly = ImageAssembly(run: run, state: state)
            let step = BuildStep(
                number: number, label: "exporting to image \(Self.platform(of: run))",
                instruction: "")
            run.observer.observe(.stepStarted(step))
            results.append(
                wantsImages
                    ? try assembly.record(step: number, isKept: false)
                    : try assembly.describe(step: number))
            number += 1
        }
        for output in options.outputs {
            try first.show(output, as: number) { progress in
                try write(output, results, progress)
            }
            number += 1
        }
        return result(of: results)
    }

    private static func platform(of run: BuildRun) -> Platform { run.options.platform ?? .host }

    private static func directory(of run: BuildRun) -> String {
        platform(of: run).description.replacing("/", with: "_")
    }

    private func result(of results: [BuildResult]) -> BuildResult {
        let annotations = options.annotations
        let index = ImageIndex(
            manifests: zip(builds, results).map { build, result in
                Descriptor(
                    mediaType: .ociManifest, digest: result.manifest,
                    sizeBytes: Int64(result.manifestSizeBytes),
                    annotations: result.descriptorAnnotations,
                    platform: Self.platform(of: build.run))
            }, annotations: annotations.values(of: .index)
        ).encoded
        var result = results[0]
        result.index = Descriptor(
            mediaType: .ociIndex, digest: Digest(of: index), sizeBytes: Int64(index.count),
            annotations: annotations.values(of: .indexDescriptor))
        result.tags = options.tags
        result.stepCount = builds.reduce(first.remotes.stepCount) { $0 + $1.run.ownStepCount }
        result.cachedStepCount = builds.reduce(0) { $0 + $1.run.cachedStepCount }
        return result
    }

    private func write(
        _ output: BuildOutput, _ results: [BuildResult], _ progress: RemoteProgress
    ) throws {
        let saver = first.saver(of: output, progress)
        switch output.kind {
        case .image: break  // was refused
        case .archive(let format, let target):
            try saver.save(
                try images(output, results), under: index(output), as: format, to: target)
        case .layout(let directory):
            try saver.saveLayout(
                try images(output, results), under: index(output), to: directory)
        case .tar(let target): try saver.saveRootFileSystem(try joinedTree(), to: target)
        case .directory(let path):
            for (run, state) in builds {
                try run.write(state.tree, to: path + "/" + Self.directory(of: run))
            }
        }
    }

    private func images(_ output: BuildOutput, _ results: [BuildResult]) throws -> [ImageToSave] {
        try zip(builds, results).map { build, result in
            var image = try build.run.imageToSave(result.image, build.state, output)
            image.names = []
            image.platform = Self.platform(of: build.run)
            return image
        }
    }

    private func index(_ output: BuildOutput) -> IndexToSave {
        let annotations = options.annotations + output.annotations
        return IndexToSave(
            names: output.names.isEmpty ? options.tags : output.names,
            annotations: annotations.values(of: .index),
            descriptorAnnotations: annotations.values(of: .indexDescriptor))
    }

    /// A tree with a directory for each platform.
    private func joinedTree() throws -> Tree {
        let directories = PendingDirectories(base: store)
        let editor = TreeEditor(base: .empty, directories: directories)
        for (run, state) in builds {
            let copier = TreeCopier(
                editor: editor, pending: directories,
                transform: CopyTransform(time: run.arguments.epochTime))
            try copier.copy(
                state.tree.root, named: nil, at: .root, from: store, isStored: true,
                to: try DestinationPath("/\(Self.directory(of: run))/", workingDirectory: "/"),
                linksOf: ObjectIdentifier(run))
        }
        let tree = try editor.finish()
        try store.insert(tree, directories: directories, lease: first.lease)
        return tree
    }
}
