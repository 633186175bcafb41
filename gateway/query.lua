-- Refuses a call for what edge.lua found wrong with its query.

function envoy_on_request(handle)
  local kept = handle:streamInfo():dynamicMetadata():get("practice.edge")
  if kept ~= nil and kept.fault ~= nil then
    handle:respond({ [":status"] = "400" }, "")
  end
end
