internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Layers
internal import Store

/// The end of a build: its image is recorded, and its outputs are written.
extension BuildRun {
    /// - Parameter number: of the step that makes the image; those of the outputs follow.
    /// - Throws: `outputFailed`, with the output; what recording the image throws.
    func export(_ state: StageState, number: Int) throws -> BuildResult {
        let outputs = options.outputs
        let assembly = ImageAssembly(run: self, state: state)
        // Who looks at a step wants no image, unless it is given a name or goes somewhere.
        if stop != nil, options.tags.isEmpty, outputs.isEmpty { return assembly.unrecorded() }
        let step = BuildStep(number: number, label: "exporting to image", instruction: "")
        observer.observe(.stepStarted(step))
        if !options.keepsImage, outputs.allSatisfy(\.takesFilesOnly) {
            let result = try assembly.describe(step: step.number)
            try write(outputs, state, nil, after: number)
            return result
        }
        let before = options.keepsImage ? [] : try store.images().map(\.id)
        let result = try assembly.record(step: step.number, isKept: options.keepsImage)
        defer {
            // What was there stays. One that cannot be removed now is a nameless image.
            if !options.keepsImage, !before.contains(result.image) {
                try? store.removeUnnamedImage(result.image)
            }
        }
        try write(outputs, state, result.image, after: number)
        return result
    }

    private func write(
        _ outputs: [BuildOutput], _ state: StageState, _ image: ImageID?, after number: Int
    ) throws {
        var number = number
        for output in outputs {
            if case .image = output.kind {
                // Its further names.
                guard let image else { continue }
                for name in output.names {
                    try store.setName(name, to: image)
                    store.note("tag", ofImage: image, as: name)
                }
                continue
            }
            number += 1
            try show(output, as: number) { try write(output, state, image, $0) }
        }
    }

    /// Shows the writing of an output as a step.
    func show(
        _ output: BuildOutput, as number: Int, _ write: (RemoteProgress) throws -> Void
    ) throws {
        try cancellation.check()
        let step = BuildStep(number: number, label: output.label, instruction: "")
        observer.observe(.stepStarted(step))
        let clock = ContinuousClock()
        let start = clock.now
        do {
            try write(RemoteProgress(observer, step.number))
        } catch {
            let failure = Self.failure(output, error)
            observer.observe(
                .stepFailed(step: step.number, clock.now - start, message: failure.message))
            throw failure
        }
        observer.observe(.stepDone(step: step.number, clock.now - start))
    }

    private static func failure(_ output: BuildOutput, _ error: any Error) -> BuildError {
        if let error = error as? BuildError { return error }
        return BuildError(
            .outputFailed, "\(output.label) failed: \(error)",
            hint: (error as? LayerError)?.hint, cause: error)
    }

    private func write(
        _ output: BuildOutput, _ state: StageState, _ image: ImageID?, _ progress: RemoteProgress
    ) throws {
        let saver = saver(of: output, progress)
        switch output.kind {
        case .image: break
        case .archive(let format, let target):
            try saver.save([try imageToSave(image, state, output)], as: format, to: target)
        case .layout(let directory):
            try saver.saveLayout([try imageToSave(image, state, output)], to: directory)
        case .tar(let target): try saver.saveRootFileSystem(state.tree, to: target)
        case .directory(let path): try write(state.tree, to: path)
        }
    }

    func saver(of output: BuildOutput, _ progress: RemoteProgress) -> ImageSaver {
        ImageSaver(
            store, lease: lease,
            options: SaveOptions(
                layerCompression: output.compression, level: output.compressionLevel),
            check: { [cancellation] in try cancellation.check() }
        ) { progress.show($0.doneBytes, of: $0.totalBytes) }
    }

    /// - Throws: `outputFailed` when there is no such image any more.
    func imageToSave(
        _ image: ImageID?, _ state: StageState, _ output: BuildOutput
    ) throws -> ImageToSave {
        guard let image, let record = try store.image(image) else {
            throw BuildError(.outputFailed, "the image was removed before it was written")
        }
        let platform = state.image.platform
        var saved = ImageToSave(record, names: output.names.isEmpty ? options.tags : output.names)
        // The stored manifest has the build's own.
        saved.annotations = output.annotations.values(of: .manifest, for: platform)
        saved.descriptorAnnotations = (options.annotations + output.annotations)
            .values(of: .descriptor, for: platform)
        return saved
    }

    /// Writes files into a directory of the host.
    func write(_ tree: Tree, to path: String) throws {
        try HostTreeWriter(store: store, cancellation: cancellation) { [self] in
            warn("OutputSkipped", $0)
        }.write(tree, to: path)
    }
}
