import Testing

@testable import Engine

@Suite struct ProcessTableTests {
    @Test(
        arguments: [
            (["PID", "COMMAND"], "  PID COMMAND\n    7 a b \n   70 c\n", [["7", "a b"]]),
            (
                ["COMMAND", "PID"], "COMMAND     PID\na             7\nc            70\n",
                [["a", "7"]]
            ),
        ])
    func `processes are found by their number, in whichever column it stands`(
        titles: [String], text: String, rows: [[String]]
    ) throws {
        let table = try #require(ProcessTable(parsing: text, members: [7]))
        #expect(table.titles == titles)
        #expect(table.rows == rows)
    }

    @Test func `a table without numbers is none`() {
        #expect(ProcessTable(parsing: "COMMAND\na\n", members: [7]) == nil)
    }
}
