import CFuzzer
import Views

/// Decodes the input as a batch's records, which is what a damaged or hostile journal brings past its
/// hashes; and as a whole journal.
@c(LLVMFuzzerTestOneInput)
func exercise(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe exercise(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

@main
enum FuzzJournal {
    static func main() { _ = unsafe vitrine_fuzz(CommandLine.argc, CommandLine.unsafeArgv) }
}

private func exercise(_ input: [UInt8]) {
    var again: [UInt8] = []
    do throws(JournalError) {
        try JournalEncoding.decode(input[...]) { (record) throws(JournalError) in
            JournalEncoding.append(record, to: &again)
        }
    } catch {
        precondition(error.code == .damaged)
    }
    // What was read is read again, and as the same.
    var third: [UInt8] = []
    do throws(JournalError) {
        try JournalEncoding.decode(again[...]) { (record) throws(JournalError) in
            JournalEncoding.append(record, to: &third)
        }
    } catch {
        preconditionFailure("what was encoded is not decoded: \(error)")
    }
    precondition(third == again, "a record has two encodings")
    _ = try? JournalReplay(input, boot: "boot")  // any error will do
}
