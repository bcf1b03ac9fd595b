import CFuzzer
import ImageSpec

/// Reads the input as each kind of document and as a name: what was read and written is read and
/// written the same again.
@c(LLVMFuzzerTestOneInput)
func exercise(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe exercise(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

@main
enum FuzzDocuments {
    static func main() { _ = unsafe vitrine_fuzz(CommandLine.argc, CommandLine.unsafeArgv) }
}

private func exercise(_ input: [UInt8]) {
    check(ImageConfig.self, input)
    check(ImageManifest.self, input)
    check(ImageIndex.self, input)
    if let value = try? JSONParser.parse(input) {
        let again = try? JSONParser.parse(value.encoded)
        precondition(again == value, "a JSON value is read as another one")
    }
    if let images = try? DockerArchive.images(manifest: input) {
        let again = try? DockerArchive.images(manifest: DockerArchive.manifest(of: images))
        precondition(again == images, "a docker-archive's list is read as another one")
    }
    checkNames(String(decoding: input.prefix(1024), as: UTF8.self))
}

private func check<Document: ImageDocument>(_: Document.Type, _ input: [UInt8]) {
    do throws(ImageSpecError) {
        let document = try Document(bytes: input)
        let encoded = document.encoded
        let again = try? Document(bytes: encoded)
        precondition(again?.encoded == encoded, "a document is not written as it was read")
    } catch {
        precondition(!error.message.isEmpty, "an error says what is wrong")
    }
}

private func checkNames(_ text: String) {
    if let reference = try? Reference(parsing: text) {
        let canonical = try? Reference(parsing: reference.canonical)
        precondition(canonical == reference, "a canonical name means another image")
        // The familiar name may mean another: Docker's does for "docker.io/example.com/app".
    }
    if let platform = try? Platform.parse(text) {
        precondition((try? Platform.parse(platform.description)) != nil)
    }
}
