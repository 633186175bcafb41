-- Refuses a call for what edge.lua found wrong with its query, and asks for server-sent events where
-- it found that those are wanted: their methods are at the same paths below EVENTS, which comes before this text.

function envoy_on_request(handle)
  local kept = handle:streamInfo():dynamicMetadata():get("practice.edge")
  if kept ~= nil and kept.fault ~= nil then
    handle:respond({ [":status"] = "400" }, "")
  elseif kept ~= nil and kept.events then
    local headers = handle:headers()
    headers:replace(":path", EVENTS .. headers:get(":path"))
  end
end
