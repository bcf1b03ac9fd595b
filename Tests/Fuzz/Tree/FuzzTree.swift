import CFuzzer
import FileTree

/// Decodes the input as a directory and as a tree: what is accepted is the one encoding of its value.
@c(LLVMFuzzerTestOneInput)
func exercise(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe exercise(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

@main
enum FuzzTree {
    static func main() { _ = unsafe vitrine_fuzz(CommandLine.argc, CommandLine.unsafeArgv) }
}

private func exercise(_ input: [UInt8]) {
    do throws(FileTreeError) {
        let directory = try TreeEncoding.decodeDirectory(input)
        precondition(directory.encoded().bytes == input, "a directory has two encodings")
    } catch {
        precondition(error.code != .missingDirectory)
    }
    do throws(FileTreeError) {
        let tree = try TreeEncoding.decodeTree(input)
        let encoding = TreeEncoding.encode(
            attributes: tree.attributes, directory: tree.directory)
        precondition(encoding == input, "a tree has two encodings")
    } catch {
        precondition(error.code != .missingDirectory)
    }
    if let path = try? TreePath(cleaning: input) {
        let again = try? TreePath(cleaning: path.bytes)
        precondition(again == path, "a clean path is cleaned to another one")
    }
}
